"""Figures, a module each: its name is that of the figure, and its first line what `autapse plot --help` says.

PLACE is where it stands; KIND is 'result', 'circuit' (of one replicate of a result), 'verdict' or 'scoreboard'; NEEDS
are the variables without which it cannot be drawn; CAPTION says what to look at ({rule} stands for the rule that is
judged); draw(data, ...) gives the figure of a result.
"""
