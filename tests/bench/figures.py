"""What is measured and how it is told: ratios to a target, to a limit of the same run, to a peer."""
from dataclasses import dataclass


@dataclass
class Figure:
    """One line of the table. at_most and at_least are the project's target."""
    key: str
    title: str
    unit: str
    at_most: float = None
    at_least: float = None
    decimals: int = 1

    def target(self):
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""

    def of_target(self, value):
        """value / target, and whether that is on the right side."""
        bound = self.at_most if self.at_most is not None else self.at_least
        if bound is None:
            return ""
        missed = value > bound if self.at_most is not None else value < bound
        ratio = f"{value / bound:.2f}" if bound else f"{value:+g}"
        return ratio + (" MISSED" if missed else "")


HEADS = ("bench", "figure", "unit", "ours", "target", "ours/target", "limit", "ours/limit", "peer", "ours/peer")


def _number(value, figure):
    return "" if value is None else f"{value:,.{figure.decimals}f}"


def _ratio(value, other):
    return f"{value / other:.2f}" if other else ""


def rows(bench, figures, ours, limits, peer):
    """The table's rows of one bench; each of ours, limits and peer maps keys to values, a missing one is left out."""
    result = []
    for figure in figures:
        value, limit, other = (values.get(figure.key) for values in (ours, limits, peer))
        if value is None:
            continue
        result.append((bench, figure.title, figure.unit, _number(value, figure), figure.target(),
                       figure.of_target(value), _number(limit, figure), _ratio(value, limit), _number(other, figure),
                       _ratio(value, other)))
    return result


def write_table(table):
    """Aligned columns for people; those that are empty in every row are left out."""
    columns = [column for column in zip(HEADS, *table) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    for line in zip(*columns):
        cells = (cell.ljust(width) if number < 3 else cell.rjust(width)
                 for number, (cell, width) in enumerate(zip(line, widths)))
        print("  ".join(cells).rstrip(), flush=True)
