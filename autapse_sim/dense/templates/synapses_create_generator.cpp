{# USES_VARIABLES { _synaptic_pre, _synaptic_post, N_incoming, N_outgoing, N, N_pre, N_post,
                    _source_offset, _target_offset } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _synaptic_pre, _synaptic_post, N_incoming, N_outgoing, N } #}
{% extends 'common_synapses.cpp' %}

{% block maincode %}
    // all-to-all within each replicate: the loops know the indices, so none are stored
    {{ N }} = {{ owner.block.replicates * owner.block.pre * owner.block.post }};
    {% for name in owner._registered_variables | variables_to_array_names(access_data=False) | sort %}
    {{ name }}.resize({{ N }});
    {% endfor %}
{% endblock %}
