"""Times as the desk says them: how long ago in words, and the exact time (UTC) for who looks closer."""

from typing import Final

from markupsafe import Markup

from service.model import FOREVER, Milliseconds
from service.reading.language import Language
from service.reading.show import timestamp

_UNITS: Final = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000))


class Times:
    """Says times in one language, at one moment."""

    def __init__(self, language: Language, now: Milliseconds) -> None:
        self._language = language
        self._now = now

    def since(self, moment: Milliseconds) -> Markup:
        """For how long: "3 hours"."""
        return _time(moment, self._age(self._now - moment))

    def ago(self, moment: Milliseconds) -> Markup:
        """How long ago: "3 hours ago"."""
        return _time(moment, self._language.say("ago", age=self._age(self._now - moment)))

    def until(self, moment: Milliseconds) -> Markup:
        """A day and time that may be for ever."""
        return self._language.say("for-ever") if moment >= FOREVER else _time(moment, exactly(moment))

    def clock(self, moment: Milliseconds) -> Markup:
        """The time of the day: for what ends soon."""
        return _time(moment, f"{timestamp(moment)[11:16]} UTC")

    def _age(self, span: Milliseconds) -> Markup:
        for unit, length in _UNITS:
            if span >= length:
                number = span // length
                return self._language.say(f"age.{unit}.{self._language.cardinal(number)}", number=number)
        return self._language.say("age.moment")


def exactly(moment: Milliseconds) -> str:
    """Day and time: "2026-11-29 14:05 UTC"."""
    written = timestamp(moment)
    return f"{written[:10]} {written[11:16]} UTC"


def _time(moment: Milliseconds, words: object) -> Markup:
    written = timestamp(moment)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(written, exactly(moment), words)
