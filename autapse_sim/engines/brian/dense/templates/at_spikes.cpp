{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% from 'loops.cpp' import at_spikes, filled, kernel %}

{% block maincode %}
{% call kernel(pointers_lines) %}
    {{ scalar_code | autoindent }}
    {% set tables, code = vector_code | computed | exponentials(scalar_code, variables) %}
    {{ filled(tables) }}
    {{ at_spikes(owner.autapse_block, code, get_array_name(_spiked), _side) }}
{% endcall %}
{% endblock %}
