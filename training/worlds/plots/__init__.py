"""The plot skeletons by name."""

from collections.abc import Callable

from ..world import World
from .days import bedtime, birthday, contest, garden
from .friends import helping, new_friend, sharing, trick
from .trouble import brave, lost, rescue, storm, stuck, way

PLOTS: dict[str, Callable[[World], None]] = {
    plot.__name__: plot
    for plot in (lost, storm, brave, rescue, stuck, way, sharing, new_friend, helping, trick, birthday, contest, garden, bedtime)
}
