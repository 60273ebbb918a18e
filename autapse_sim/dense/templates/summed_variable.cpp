{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% from 'loops.cpp' import kernel, loops %}

{% block maincode %}
{% call kernel(pointers_lines) %}
    {{ scalar_code | autoindent }}
    {{ loops(owner.block, vector_code | drawn(codeobj_name) | computed, get_array_name(_target_var), c_data_type(_target_var.dtype)) }}
{% endcall %}
{% endblock %}
