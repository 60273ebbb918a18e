{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% from 'loops.cpp' import filled, kernel, loops, of_senders %}

{% block maincode %}
{% call kernel(pointers_lines) %}
    {{ scalar_code | autoindent }}
    {% set tables, code = vector_code | computed | exponentials(scalar_code, variables) %}
    {{ filled(tables) }}
    {% if _sent is defined %}
    {{ of_senders(owner.autapse_block, code, get_array_name(_target_var), c_data_type(_target_var.dtype), get_array_name(_sent)) }}
    {% else %}
    {{ loops(owner.autapse_block, code, get_array_name(_target_var), c_data_type(_target_var.dtype)) }}
    {% endif %}
{% endcall %}
{% endblock %}
