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

{# The tables that code looks exponentials up in, which are filled once. #}
{% macro filled(tables) %}
{% for name, step, array, size in tables %}
static const auto *_filled{{ name }} = autapse::exponentials({{ step }}, {{ array }}, {{ size }});
const auto *__restrict {{ name }} = _filled{{ name }};
{% endfor %}
{% endmacro %}

{# The number of the first replicate of the tile that is being run. #}
{% macro first(layout) %}{{ '0' if layout.tile == layout.replicates else 'autapse::tile' }}{% endmacro %}

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

{# Nested loops over one projection of the replicates of a tile, in the memory order of its block.

   body    what Brian2 generates for one synapse, without the lines that load its indices
   target  the array that receives the sum of _synaptic_var over presynaptic neurons, or '' where nothing is summed #}
{% macro loops(block, body, target, real) %}
{% set T, pre, post = block.layout.tile, block.pre, block.post %}
{% set start = real ~ ' _sum = 0;' if target else '' %}
{% set finish = target ~ '[_postsynaptic_idx] = _sum;' if target else '' %}
const size_t _first = {{ first(block.layout) }};
{% if block.innermost == 'replicate' %}
#pragma GCC ivdep
for (size_t _r = 0; _r < {{ T }}; _r++)
{
    {% for p in range(post) %}
    {
        const size_t _postsynaptic_idx = _first*{{ post }} + {{ p * T }} + _r;
        {{ start }}
        {% for q in range(pre) %}
        {% set source = '_first*' ~ pre ~ ' + ' ~ q * T ~ ' + _r' %}
        {{ synapse(source, '_first*' ~ pre * post ~ ' + ' ~ (p * pre + q) * T ~ ' + _r', body, target) }}
        {% endfor %}
        {{ finish }}
    }
    {% endfor %}
}
{% elif block.innermost == 'self' %}
#pragma GCC ivdep
for (size_t _postsynaptic_idx = _first*{{ post }}; _postsynaptic_idx < (_first + {{ T }})*{{ post }}; _postsynaptic_idx++)
{
    {{ start }}
    {{ synapse('_postsynaptic_idx', '_postsynaptic_idx', body, target) }}
    {{ finish }}
}
{% elif block.innermost == 'pre' %}
{% set early, kept, body = body | rows %}
for (size_t _r = _first; _r < _first + {{ T }}; _r++)
{
    {% for kind, name in kept %}
    static {{ kind }} _row{{ name }}[{{ post }}];
    {% endfor %}
    {% if early %}
    #pragma GCC ivdep
    for (size_t _p = 0; _p < {{ post }}; _p++)
    {
        const size_t _postsynaptic_idx = _r*{{ post }} + _p;
        {{ early | autoindent }}
        {% for _, name in kept %}
        _row{{ name }}[_p] = {{ name }};
        {% endfor %}
    }
    {% endif %}
    for (size_t _p = 0; _p < {{ post }}; _p++)
    {
        const size_t _postsynaptic_idx = _r*{{ post }} + _p;
        {% for kind, name in kept %}
        const {{ kind }} {{ name }} = _row{{ name }}[_p];
        {% endfor %}
        {{ start }}
        #pragma GCC ivdep
        for (size_t _q = 0; _q < {{ pre }}; _q++)
        {{ synapse('_r*' ~ pre ~ ' + _q', '_postsynaptic_idx*' ~ pre ~ ' + _q', body, target) }}
        {{ finish }}
    }
}
{% else %}
for (size_t _r = _first; _r < _first + {{ T }}; _r++)
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

{# Sums of w*sent for a block whose innermost is 'pre', over those presynaptic neurons alone that send something where
   these are few: what others send is 0. #}
{% macro of_senders(block, body, target, real, sent) %}
{% set T, pre, post = block.layout.tile, block.pre, block.post %}
const size_t _first = {{ first(block.layout) }};
for (size_t _r = _first; _r < _first + {{ T }}; _r++)
{
    size_t _list[{{ pre }}], _count = 0;
    for (size_t _q = 0; _q < {{ pre }}; _q++)
        if ({{ sent }}[_r*{{ pre }} + _q] != 0)
            _list[_count++] = _q;
    if (_count < {{ pre // 8 }})
    {
        for (size_t _p = 0; _p < {{ post }}; _p++)
            {{ target }}[_r*{{ post }} + _p] = 0;
        for (size_t _k = 0; _k < _count; _k++)
            #pragma GCC ivdep
            for (size_t _p = 0; _p < {{ post }}; _p++)
            {
                const size_t _postsynaptic_idx = _r*{{ post }} + _p;
                {{ real }} _sum = 0;
                {{ synapse('_r*' ~ pre ~ ' + _list[_k]', '_postsynaptic_idx*' ~ pre ~ ' + _list[_k]', body, target) }}
                {{ target }}[_postsynaptic_idx] += _sum;
            }
        continue;
    }
    for (size_t _p = 0; _p < {{ post }}; _p++)
    {
        const size_t _postsynaptic_idx = _r*{{ post }} + _p;
        {{ real }} _sum = 0;
        #pragma GCC ivdep
        for (size_t _q = 0; _q < {{ pre }}; _q++)
        {{ synapse('_r*' ~ pre ~ ' + _q', '_postsynaptic_idx*' ~ pre ~ ' + _q', body, target) }}
        {{ target }}[_postsynaptic_idx] = _sum;
    }
}
{% endmacro %}

{# Nested loops over the synapses of those neurons of one side that spike.

   spiked  the array of that side that is not 0 where a neuron spikes
   side    'pre' or 'post' #}
{% macro at_spikes(block, body, spiked, side) %}
{% set T, pre, post = block.layout.tile, block.pre, block.post %}
{% set mine, others = (pre, post) if side == 'pre' else (post, pre) %}
{% set p, q = ('_other', '_mine') if side == 'pre' else ('_mine', '_other') %}
const size_t _first = {{ first(block.layout) }};
{% if block.innermost == 'replicate' %}
for (size_t _mine = 0; _mine < {{ mine }}; _mine++)
    for (size_t _r = 0; _r < {{ T }}; _r++)
        if ({{ spiked }}[_first*{{ mine }} + _mine*{{ T }} + _r] != 0)
            for (size_t _other = 0; _other < {{ others }}; _other++)
            {
                const size_t _postsynaptic_idx = _first*{{ post }} + {{ p }}*{{ T }} + _r;
                {% set place = '_first*' ~ pre * post ~ ' + (' ~ p ~ '*' ~ pre ~ ' + ' ~ q ~ ')*' ~ T ~ ' + _r' %}
                {{ synapse('_first*' ~ pre ~ ' + ' ~ q ~ '*' ~ T ~ ' + _r', place, body, '') }}
            }
{% else %}
for (size_t _r = _first; _r < _first + {{ T }}; _r++)
    for (size_t _mine = 0; _mine < {{ mine }}; _mine++)
    {
        if ({{ spiked }}[_r*{{ mine }} + _mine] == 0)
            continue;
        #pragma GCC ivdep
        for (size_t _other = 0; _other < {{ others }}; _other++)
        {
            const size_t _postsynaptic_idx = _r*{{ post }} + {{ p }};
            {% set inner, rows, outer, along = (pre, post, p, q) if block.innermost == 'pre' else (post, pre, q, p) %}
            {% set place = '(_r*' ~ rows ~ ' + ' ~ outer ~ ')*' ~ inner ~ ' + ' ~ along %}
            {{ synapse('_r*' ~ pre ~ ' + ' ~ q, place, body, '') }}
        }
    }
{% endif %}
{% endmacro %}
