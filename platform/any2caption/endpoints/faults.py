"""What goes wrong with an endpoint, as the platform's errors with one word each."""

from any2caption.errors import A2CError, ConfigError, InputError, UnavailableError


class EndpointError(A2CError):
    """An endpoint brought no answer that can be used; `word` says why in one word."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


class SilentError(EndpointError, UnavailableError):
    """No answer: `slow`, `unreachable`, `busy` (429), `failed` (5xx), `garbled`."""


class RefusedError(EndpointError, ConfigError):
    """It won't take the request: `refused` (4xx), `redirected`, or over the `budget`."""


class AnswerError(EndpointError, InputError):
    """It answered something else: `prose`, `half`, `schema`, `empty`, `language` and the like."""

    def __init__(self, word: str, message: str, *, field: str) -> None:
        InputError.__init__(self, message, field=field)
        self.word = word
