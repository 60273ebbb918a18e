"""Figures, a module each: its name is that of the figure, and its first line what `autapse plot --help` says.

PLACE is where it stands; KIND is 'result', 'circuit' (of one replicate of a result), 'verdict', 'scoreboard', 'sweep'
or 'movie'; NEEDS are the variables without which it cannot be drawn; ELSE, where there is one, is the figure that shows
the same of another kind of result, and is drawn there by either name; CAPTION says what to look at ({rule} stands for
the rule that is judged); draw(data, ...) gives the figure of a result, or its movie.
"""
