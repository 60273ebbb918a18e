"""Studies: what is crossed, in which units, kept where and run where."""
