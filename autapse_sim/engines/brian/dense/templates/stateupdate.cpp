{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% from 'loops.cpp' import filled, first, kernel, loops %}

{% block maincode %}
{% call kernel(pointers_lines) %}
    {{ scalar_code | autoindent }}
    {% if owner.autapse_block is defined %}
    {% set tables, code = vector_code | computed | exponentials(scalar_code, variables) %}
    {{ filled(tables) }}
    {{ loops(owner.autapse_block, code, '', '') }}
    {% else %}
    {% set size, T = owner.autapse_size, owner.autapse_layout.tile %}
    {% set tables, code = vector_code | exponentials(scalar_code, variables) %}
    {{ filled(tables) }}
    {% set constants, code = code | reciprocals(variables) %}
    {% for name, array in constants %}
    static const auto *_reciprocal_{{ name }} = autapse::reciprocals({{ array }}, {{ size * owner.autapse_layout.replicates }});
    const auto *__restrict _per_{{ name }} = _reciprocal_{{ name }};
    {% endfor %}
    const size_t _first = {{ first(owner.autapse_layout) }}*{{ size }};
    #pragma GCC ivdep
    for (size_t _idx = _first; _idx < _first + {{ size * T }}; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{ code | autoindent }}
    }
    {% endif %}
{% endcall %}
{% endblock %}
