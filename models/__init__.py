"""Models as equations: neurons and rules, one page each."""
