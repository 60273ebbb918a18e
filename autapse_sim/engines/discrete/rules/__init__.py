"""The rules that have a discrete form, a module each: it defines one `Rule`, and its name is the name of the rule."""
