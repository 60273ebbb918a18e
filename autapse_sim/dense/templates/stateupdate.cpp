{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% from 'loops.cpp' import kernel, loops %}

{% block maincode %}
{% call kernel(pointers_lines) %}
    {{ scalar_code | autoindent }}
    {% if owner.block is defined %}
    {{ loops(owner.block, vector_code | drawn(codeobj_name) | computed, '', '') }}
    {% else %}
    {% set N = constant_or_scalar('N', variables['N']) %}
    {% set constants, code = vector_code | drawn(codeobj_name) | reciprocals(variables) %}
    {% for name, array in constants %}
    static const auto *_reciprocal_{{ name }} = autapse::reciprocals({{ array }}, {{ N }});
    const auto *__restrict _per_{{ name }} = _reciprocal_{{ name }};
    {% endfor %}
    #pragma GCC ivdep
    for (size_t _idx = 0; _idx < {{ N }}; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{ code | autoindent }}
    }
    {% endif %}
{% endcall %}
{% endblock %}
