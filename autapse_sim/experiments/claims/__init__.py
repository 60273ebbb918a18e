"""What the paper claims, a module each: KEY is its place, SAYS what the paper says; measure(trials) gives the numbers,
as text, and the answer, one of `autapse_sim.experiments.paper.setting.ANSWERS`."""
