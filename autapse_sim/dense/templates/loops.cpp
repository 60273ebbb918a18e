{# Code in a function of its own, because compilers trust __restrict of parameters alone. #}
{% macro kernel(pointers) %}
struct Kernel
{
    static __attribute__((noinline)) void run({{ pointers | parameters }})
    {
        %CONSTANTS%
        const size_t _vectorisation_idx = -1;
        {{ caller() }}
    }
};
Kernel::run({{ pointers | arguments }});
{% endmacro %}

{# Nested loops over one all-to-all projection of R replicates, in the memory order of its block.

   body    what Brian2 generates for one synapse, without the lines that load its indices
   target  the array that receives the sum of _synaptic_var over presynaptic neurons, or '' where nothing is summed #}
{% macro synapse(pre, idx, body, target) %}
{
    const size_t _presynaptic_idx = {{ pre }};
    const size_t _idx = {{ idx }};
    const size_t _vectorisation_idx = _idx;
    {{ body | autoindent }}
    {% if target %}
    _sum += _synaptic_var;
    {% endif %}
}
{% endmacro %}

{% macro loops(block, body, target, real) %}
{% set R, pre, post = block.replicates, block.pre, block.post %}
{% set start = real ~ ' _sum = 0;' if target else '' %}
{% set finish = target ~ '[_postsynaptic_idx] = _sum;' if target else '' %}
{% if block.innermost == 'replicate' %}
#pragma GCC ivdep
for (size_t _r = 0; _r < {{ R }}; _r++)
{
    {% for p in range(post) %}
    {
        const size_t _postsynaptic_idx = {{ p * R }} + _r;
        {{ start }}
        {% for q in range(pre) %}
        {{ synapse(q * R ~ ' + _r', (p * pre + q) * R ~ ' + _r', body, target) }}
        {% endfor %}
        {{ finish }}
    }
    {% endfor %}
}
{% elif block.innermost == 'pre' %}
for (size_t _r = 0; _r < {{ R }}; _r++)
for (size_t _p = 0; _p < {{ post }}; _p++)
{
    const size_t _postsynaptic_idx = _r*{{ post }} + _p;
    {{ start }}
    #pragma GCC ivdep
    for (size_t _q = 0; _q < {{ pre }}; _q++)
    {{ synapse('_r*' ~ pre ~ ' + _q', '_postsynaptic_idx*' ~ pre ~ ' + _q', body, target) }}
    {{ finish }}
}
{% else %}
for (size_t _r = 0; _r < {{ R }}; _r++)
{
    #pragma GCC ivdep
    for (size_t _p = 0; _p < {{ post }}; _p++)
    {
        const size_t _postsynaptic_idx = _r*{{ post }} + _p;
        {{ start }}
        {% for q in range(pre) %}
        {% set source = '_r*' ~ pre ~ ' + ' ~ q %}
        {{ synapse(source, '(' ~ source ~ ')*' ~ post ~ ' + _p', body, target) }}
        {% endfor %}
        {{ finish }}
    }
}
{% endif %}
{% endmacro %}
