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

{# Nested loops over the synapses of those neurons of one side that spike.

   spiked  the array of that side that is not 0 where a neuron spikes
   side    'pre' or 'post'

   Where the synapses of such a neuron lie in a row they are a loop; else those that spike are listed first, and each
   row is looked up for them. #}
{% macro at_spikes(block, body, spiked, side) %}
{% set T, pre, post = block.layout.tile, block.pre, block.post %}
{% set mine, others = (pre, post) if side == 'pre' else (post, pre) %}
const size_t _first = {{ first(block.layout) }};
{% if block.innermost == 'replicate' %}
for (size_t _mine = 0; _mine < {{ mine }}; _mine++)
    for (size_t _r = 0; _r < {{ T }}; _r++)
        if ({{ spiked }}[_first*{{ mine }} + _mine*{{ T }} + _r] != 0)
            for (size_t _other = 0; _other < {{ others }}; _other++)
            {
                const size_t _p = {{ '_other' if side == 'pre' else '_mine' }};
                const size_t _q = {{ '_mine' if side == 'pre' else '_other' }};
                const size_t _postsynaptic_idx = _first*{{ post }} + _p*{{ T }} + _r;
                {% set row = '_first*' ~ pre * post ~ ' + (_p*' ~ pre ~ ' + _q)*' ~ T ~ ' + _r' %}
                {{ synapse('_first*' ~ pre ~ ' + _q*' ~ T ~ ' + _r', row, body, '') }}
            }
{% else %}
{% set inner = block.innermost %}
{% set width = pre if inner == 'pre' else post %}
for (size_t _r = _first; _r < _first + {{ T }}; _r++)
{
    size_t _list[{{ mine }}], _count = 0;
    for (size_t _mine = 0; _mine < {{ mine }}; _mine++)
        if ({{ spiked }}[_r*{{ mine }} + _mine] != 0)
            _list[_count++] = _mine;
    if (!_count)
        continue;
    {% if inner == side %}
    for (size_t _other = 0; _other < {{ others }}; _other++)
        #pragma GCC ivdep
        for (size_t _k = 0; _k < _count; _k++)
        {
            const size_t _mine = _list[_k];
    {% else %}
    for (size_t _k = 0; _k < _count; _k++)
    {
        const size_t _mine = _list[_k];
        #pragma GCC ivdep
        for (size_t _other = 0; _other < {{ others }}; _other++)
        {
    {% endif %}
            const size_t _p = {{ '_other' if side == 'pre' else '_mine' }};
            const size_t _q = {{ '_mine' if side == 'pre' else '_other' }};
            const size_t _postsynaptic_idx = _r*{{ post }} + _p;
            {% set outer, along = ('_p', '_q') if inner == 'pre' else ('_q', '_p') %}
            {% set rows = post if inner == 'pre' else pre %}
            {% set place = '(_r*' ~ rows ~ ' + ' ~ outer ~ ')*' ~ width ~ ' + ' ~ along %}
            {{ synapse('_r*' ~ pre ~ ' + _q', place, body, '') }}
        }
    {{ '' if inner == side else '}' }}
}
{% endif %}
{% endmacro %}
