"""Markdown."""


def table(head, rows):
    """A table; the first column holds names, the others numbers."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def number(value, unit=""):
    """A number with as many digits as say something."""
    if value is None:
        return "–"
    size = abs(value)
    if size == 0:
        digits = 0
    elif size >= 100:
        digits = 0
    elif size >= 10:
        digits = 1
    elif size >= 0.1:
        digits = 2
    else:
        digits = 3
    return f"{value:,.{digits}f}{unit}"


def ratio(value, other):
    """How many times another one it is."""
    return number(value / other, "×") if value is not None and other else "–"
