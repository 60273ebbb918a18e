"""What a rule asks of a brain is derived from its equations, and is what the literature says of it."""

import pytest
from click.testing import CliRunner

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.engines import discrete
from autapse_sim.experiments.checking.audits import audits
from autapse_sim.spec.audit import COLUMNS
from autapse_sim.spec.auditing import audit_of, idle
from autapse_sim.spec.model import library

LITERATURE = {
    # weight transport and non-locality in time: Lillicrap & Santoro 2019, doi:10.1016/j.conb.2019.01.011
    "bptt": ("transpose", "derivative", "others", "history", "neuron", "signals"),
    # no transport, but the error still comes back in time: Murray 2019, doi:10.7554/eLife.43299
    "fa": ("derivative", "history", "neuron", "signals"),
    # Nokland 2016, arXiv:1609.01596: errors by fixed random weights; online, with the sum that eq. 6 keeps
    "dfa": ("derivative", "synapse", "signals"),
    # Murray 2019, eqs. 3 to 5: random feedback, f' of the postsynaptic neuron, a trace in the synapse
    "rflo": ("derivative", "synapse", "signals"),
    # Bellec et al. 2020, doi:10.1038/s41467-020-17236-y: pseudo-derivative, eligibility trace, learning signal
    "eprop": ("derivative", "synapse", "neuron", "signals"),
    # Wang, Gray & Banerjee, eqs. 7 to 11: a trace in the presynaptic neuron, the error through B, no f'
    "autapse": ("neuron", "signals"),
    # Williams 1992, Fiete & Seung 2006: the noise of the neuron, a trace, and the loss as the only signal
    "node_perturbation": ("synapse", "neuron", "signals"),
    # Sussillo & Abbott 2009: P couples all synapses of the read-out
    "force": ("others", "synapse", "signals"),
    # Song, Miller & Abbott 2000, Pfister & Gerstner 2006, Vogels et al. 2011: traces of spikes, and nobody's signal
    "stdp": ("synapse",),
    "triplet_stdp": ("synapse",),
    "inhibitory_stdp": ("synapse",),
    # Graupner & Brunel 2012: calcium in the synapse; Clopath et al. 2010: filtered voltages, a presynaptic trace
    "calcium": ("synapse",),
    "clopath": ("synapse", "neuron"),
    # Izhikevich 2007: eligibility in the synapse, dopamine
    "rewarded_stdp": ("synapse", "neuron", "signals"),
    # Miconi 2017: fluctuations of the neuron, an eligibility, and the error of a trial as the only signal
    "miconi": ("synapse", "neuron", "signals"),
    # Jordan et al. 2021, Urbanczik & Senn 2009: an eligibility of spikes beyond those expected, and a reward
    "lr0": ("synapse", "neuron", "signals"),
    # Barretto-Bittar et al. 2026: e-prop, and a signal that neighbours pass on
    "eprop_diffusion": ("derivative", "synapse", "neuron", "signals"),
    # Liu et al. 2021: e-prop, and a modulator that tells what other neurons were of use
    "mdgl": ("derivative", "synapse", "neuron", "signals"),
    # Oja 1982: pre, post and w; Bienenstock, Cooper & Munro 1982: a threshold in the neuron
    "oja": (),
    "bcm": ("neuron",),
}
"""What each rule asks; it asks nothing else."""
FIELDS = ("transpose", "derivative", "others", "history", "synapse", "neuron", "signals")


@pytest.fixture(scope="module")
def every():
    """The audits of all rules."""
    return audits()


@pytest.mark.parametrize("name", LITERATURE)
def test_the_audit_is_that_of_the_literature(name, every):
    found = every[name]
    assert tuple(each for each in FIELDS if getattr(found, each)) == LITERATURE[name]


def told(audit, field):
    return [each.partition(":")[0] for each in getattr(audit, field)]


def test_the_audit_names_what_is_kept_and_what_is_told_to_all(every):
    assert told(every["autapse"], "neuron") == ["k"]
    assert told(every["eprop"], "synapse") == ["zbar", "ebar", "S"]
    assert told(every["node_perturbation"], "signals") == ["loss"]
    assert told(every["node_perturbation"], "neuron") == ["baseline", "perturbation"]
    assert {*told(every["rflo"], "signals")} == {*told(every["autapse"], "signals")} == {"feedback"}
    assert told(every["dfa"], "signals") == ["feedback", "elapsed"]


def test_the_audit_names_the_line_and_the_term(every):
    (cause,) = every["rflo"].derivative
    text = library("rules")["rflo"].read_text().splitlines()
    line = int(cause.split("line ")[1].split(":")[0])
    assert cause.startswith("f_prime_post in line ")
    assert cause.endswith("dp/dt = (f_prime_post * activity_pre - p)/tau_m_post")
    assert "f_prime_post * activity_pre" in text[line - 1]


RATE, AUTAPSE = ap.read_neuron("rate"), ap.read_rule("autapse")
UPDATE = AUTAPSE.update
VARIANTS = [
    ({"update": f"{UPDATE} * f_prime_post"}, "derivative"),
    ({"update": f"slope = f_prime_post; {UPDATE}*slope"}, "derivative"),
    ({"trace": "dk/dt = (f_prime*activity - k)/tau : 1"}, "derivative"),
    ({"update": f"{UPDATE}*activity_post*(1 - activity_post)"}, "derivative"),
    ({"update": "w -= eta*(1 - activity_post**2)*feedback_post*k_pre"}, "derivative"),
    ({"update": f"p += k_pre; {UPDATE}*p", "eligibility": "p : 1"}, "synapse"),
    ({"update": "w -= eta*loss_post*k_pre"}, None),
    (
        {"eligibility": "total_post = w : 1 (summed)", "postsynaptic": "total : 1", "update": f"{UPDATE}*total_post"},
        "others",
    ),
    (
        {"connections": ap.Connection({"mean": "activity_pre"}), "update": f"{UPDATE}*mean_post"},
        None,
    ),
]


@pytest.mark.parametrize(("changes", "field"), VARIANTS)
def test_a_term_that_is_put_in_changes_the_audit(changes, field):
    before, after = audit_of(AUTAPSE, RATE), audit_of(AUTAPSE.replace(**changes), RATE)
    if field:
        assert not getattr(before, field)
        assert getattr(after, field)
    else:
        assert told(before, "signals") != told(after, "signals")
    others = {"derivative", "others", "synapse"} - {field}
    assert not any(getattr(after, each) for each in others)


@pytest.mark.parametrize(
    "changes",
    [
        {"eligibility": "dp/dt = (f_prime_post - p)/tau : 1"},  # w does not depend on it
        {"update": f"{UPDATE}*activity_post*(1 - activity_pre)"},  # two neurons: no derivative
        {"update": f"unused = f_prime_post; {UPDATE}"},
    ],
)
def test_what_does_not_reach_the_weight_is_not_asked(changes):
    assert audit_of(AUTAPSE.replace(**changes), RATE).row() == audit_of(AUTAPSE, RATE).row()


def test_what_no_change_depends_on_is_told():
    assert not any(idle(ap.read_rule(name), ap.read_neuron("alif")) for name in library("rules"))
    rule = AUTAPSE.replace(
        eligibility="dp/dt = (f_prime_post - p)/tau_p : 1", parameters={"eta": 0.1, "tau_p": 1}, tune={}
    )
    assert idle(rule, RATE) == ["p", "tau_p"]


def test_expressions_of_the_neuron_are_seen_through():
    neuron = RATE.replace(equations=f"{RATE.equations}\nslope = 2*inner : 1\ninner = f_prime : 1")
    rule = AUTAPSE.replace(update=f"{UPDATE}*slope_post")
    (cause,) = audit_of(rule, neuron).derivative
    assert "f_prime in neuron, " in cause or cause.startswith("f_prime in inner")


def test_symmetric_feedback_is_weight_transport():
    assert not audit_of(AUTAPSE, RATE, "random").transpose
    assert "B is V^T" in audit_of(AUTAPSE, RATE, "symmetric").transpose[0]
    assert not audit_of(ap.read_rule("node_perturbation"), RATE, "symmetric").transpose


def test_all_rules_stand_in_one_table():
    done = CliRunner().invoke(main, ["models"])
    assert done.exit_code == 0, done.output
    assert "along those of any neuron (engines compiled and numpy)\n  bptt " in done.output
    assert "for the discrete network (engine numpy)\n  bptt_random_feedback " in done.output
    lines = [line.split("  ") for line in done.output.splitlines()]
    table = done.output[done.output.index("what each rule asks of a brain") :].splitlines()[1:]
    assert all(column in table[0] for column in COLUMNS)
    names = {line.split()[0] for line in table[1:]}
    assert names == library("rules").keys() | discrete.references().keys()
    assert any(line[1:2] == ["rflo"] for line in lines)
    at = table[0].index("transpose")
    asks = {line.split()[0]: line[at:].split()[0] for line in table[1:]}
    exact = {"bptt", "rtrl", "snap1", "uoro", "bptt_random_feedback", "rflo_exact_feedback"}
    assert {name for name, said in asks.items() if said == "yes"} == exact
