"""The ledger's rows: lines, what they have to bring about, aliases that were put right."""

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from any2caption.datasets.catalogue import database, promotions
from any2caption.datasets.catalogue.tables import Correction, Delivery, Promotion, Verdict, now
from any2caption.errors import ConflictError


class Ledger:
    """Who was promoted, in order. Every method is one transaction; `Catalogue` has them too."""

    engine: Engine

    def champion(self, model: str) -> Promotion | None:
        """Return the ledger's last line for the model: its version is the champion."""
        with database.reading(self.engine) as session:
            return session.scalar(last_line(model))

    def ledger(self, model: str) -> list[Promotion]:
        """Return all lines of the model's ledger, oldest first."""
        with database.reading(self.engine) as session:
            return list(session.scalars(_lines(model)))

    def champions(self, model: str) -> list[int]:
        """Return the champions that a rollback can step through, the present one last."""
        return promotions.champions(self.ledger(model))

    def repeated(self, model: str, key: str | None) -> Promotion | None:
        """Return the ledger's last line if the request `key` made it.

        Raises:
            ConflictError: the request was carried out and others came after it.
        """
        return promotions.repeated(model, self.ledger(model), key)

    def promote(  # noqa: PLR0913 - the line's own columns
        self,
        model: str,
        version: int,
        expected: int | None,
        approver: str,
        reason: str,
        *,
        key: str | None = None,
        sequence: int | None = None,
        verdict: int | None = None,
    ) -> Promotion:
        """Make `version` champion if the champion is `expected` (None: there is none yet).

        The request `key` sent again returns its line. `sequence` is the last line that the decision
        was made on, `verdict` the row: a later one on this version stops the promotion.

        Raises:
            ConflictError: somebody else's promotion or verdict came first.
            ConfigError: the version is the champion already.
        """
        request = promotions.Request(
            approver=approver, reason=reason, key=key, sequence=sequence, verdict=verdict
        )
        with database.writing(self.engine, one_by_one=True) as session:
            lines = list(session.scalars(_lines(model)))
            if (done := promotions.repeated(model, lines, key)) is not None:
                return done
            row = promotions.promotion(model, lines, version, expected, request)
            last = session.scalar(last_verdict(version)) if verdict is not None else None
            if last is not None and last.id != verdict:
                raise ConflictError(
                    f"there is a later verdict on version {version} of {model}: look at it and "
                    "promote again"
                )
            _enter(session, row)
        return row

    def rollback(
        self,
        model: str,
        approver: str,
        reason: str,
        *,
        key: str | None = None,
        sequence: int | None = None,
    ) -> Promotion:
        """Make the champion before the current one champion again, as a new line of the ledger.

        The request `key` sent again returns its line: one request goes one champion back.

        Raises:
            NotFoundError: there was no champion before.
            ConflictError: the ledger has other lines than the caller saw.
        """
        request = promotions.Request(approver=approver, reason=reason, key=key, sequence=sequence)
        with database.writing(self.engine, one_by_one=True) as session:
            lines = list(session.scalars(_lines(model)))
            if (done := promotions.repeated(model, lines, key)) is not None:
                return done
            row = promotions.rollback(model, lines, request)
            _enter(session, row)
        return row

    def undo_rollback(self, model: str, rolled_back: int, approver: str, reason: str) -> Promotion:
        """Take the rollback from version `rolled_back` back: it could not be served.

        Raises:
            ConflictError: it is not the ledger's last line any more.
        """
        request = promotions.Request(approver=approver, reason=reason)
        with database.writing(self.engine, one_by_one=True) as session:
            lines = list(session.scalars(_lines(model)))
            row = promotions.undo(model, lines, rolled_back, request)
            _enter(session, row)
        return row

    def rollback_target(self, model: str, *, sequence: int | None = None) -> int:
        """Return the version that a rollback leads to.

        Raises:
            ConflictError: the ledger has other lines than the caller saw.
            NotFoundError: there was no champion before.
        """
        lines = self.ledger(model)
        promotions.check_sequence(model, lines, sequence)
        return promotions.rollback_target(model, lines)

    def check_ledger(self, model: str) -> int:
        """Hold every line to the chain of digests; return how many there are.

        Raises:
            IntegrityError: a line was changed, taken out or put in.
        """
        lines = self.ledger(model)
        promotions.check_chain(model, lines)
        return len(lines)

    def delivery(self, model: str) -> Delivery | None:
        """Return the outbox's row of the ledger's last line."""
        with database.reading(self.engine) as session:
            return session.scalar(_last_delivery(model))

    def mark_aliased(self, model: str, sequence: int) -> None:
        """Say that the alias followed line `sequence`; the first time counts."""
        with database.writing(self.engine) as session:
            row = session.scalar(_last_delivery(model))
            if row is not None and row.sequence == sequence and row.aliased is None:
                row.aliased = now()

    def mark_released(self, model: str, version: int) -> None:
        """Say that the champion, if it is `version`, answers."""
        with database.writing(self.engine) as session:
            row = session.scalar(_last_delivery(model))
            if row is not None and row.version == version and row.released is None:
                row.released = now()

    def record_correction(
        self, model: str, alias: str, *, found: int | None, restored: int | None
    ) -> Correction:
        """Enter that an alias was moved by hand and moved back."""
        row = Correction(model=model, alias=alias, found=found, restored=restored)
        with database.writing(self.engine) as session:
            session.add(row)
        return row

    def corrections(self, model: str) -> list[Correction]:
        """Return the aliases that were moved back, oldest first."""
        statement = select(Correction).where(Correction.model == model).order_by(Correction.id)
        with database.reading(self.engine) as session:
            return list(session.scalars(statement))


def last_line(model: str) -> Select[Promotion]:
    """Select the last line of a model's ledger."""
    of_model = select(Promotion).where(Promotion.model == model)
    return of_model.order_by(Promotion.sequence.desc()).limit(1)


def _lines(model: str) -> Select[Promotion]:
    return select(Promotion).where(Promotion.model == model).order_by(Promotion.sequence)


def _last_delivery(model: str) -> Select[Delivery]:
    of_model = select(Delivery).where(Delivery.model == model)
    return of_model.order_by(Delivery.sequence.desc()).limit(1)


def last_verdict(version: int) -> Select[Verdict]:
    """Select the last verdict on a version."""
    on_version = select(Verdict).where(Verdict.version == version)
    return on_version.order_by(Verdict.id.desc()).limit(1)


def _enter(session: Session, line: Promotion) -> None:
    """Add a line of the ledger and, in the same transaction, what it has to bring about."""
    session.add(line)
    session.add(Delivery(model=line.model, sequence=line.sequence, version=line.version))
