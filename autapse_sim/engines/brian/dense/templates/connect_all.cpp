{# USES_VARIABLES { N } #}
{# WRITES_TO_READ_ONLY_VARIABLES { N } #}
{% extends 'common_synapses.cpp' %}

{% block maincode %}
    // the loops know the indices, so none are stored
    {{ N }} = {{ owner.autapse_block.size }};
    {% for name in owner._registered_variables | variables_to_array_names(access_data=False) | sort %}
    {{ name }}.resize({{ N }});
    {% endfor %}
{% endblock %}
