"""Settings in which a rule is judged, a module each that defines `benchmark`: its name is the name of the module."""
