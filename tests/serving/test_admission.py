"""Slots and bytes are bounded, whatever the order of events."""

import asyncio

import pytest

from any2caption.serving.door.admission import Admission, Full


def test_one_more_than_the_slots_is_told_when_to_come_back():
    async def story():
        admission = Admission(requests=2, total=100, largest=10)
        first, _ = admission.enter(), admission.enter()
        with pytest.raises(
            Full, match=r"2 requests are being answered; try again in \d+ ms"
        ) as full:
            admission.enter()
        assert 0.1 <= full.value.seconds <= 5
        first.leave()
        first.leave()
        assert admission.taken == 1, "leaving twice frees one slot"
        admission.enter()

    asyncio.run(story())


def test_no_body_is_read_while_it_might_not_fit():
    async def story():
        admission = Admission(requests=9, total=25, largest=10)
        places = [admission.enter() for _ in range(3)]
        await places[0].reserve(0.01)
        await places[1].reserve(0.01)
        with pytest.raises(Full, match="under way"):
            await places[2].reserve(0.01)
        waiting = asyncio.create_task(places[2].reserve(5))
        await asyncio.sleep(0)
        places[0].keep(4)  # the body turned out to be short
        await waiting
        assert admission.held == 24
        for place in places:
            place.leave()
        assert (admission.held, admission.taken) == (0, 0)

    asyncio.run(story())


def test_cancelled_waiting_reserves_nothing():
    async def story():
        admission = Admission(requests=9, total=10, largest=10)
        one, other = admission.enter(), admission.enter()
        await one.reserve(1)
        waiting = asyncio.create_task(other.reserve(5))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        other.leave()
        assert admission.held == 10
        one.leave()
        assert admission.held == 0

    asyncio.run(story())


def test_hint_follows_how_long_requests_take():
    async def story():
        admission = Admission(requests=1, total=10, largest=10)
        for _ in range(50):
            admission.enter()
            admission.leave(8.0)
        assert admission.hint() == pytest.approx(4.0, rel=0.05)

    asyncio.run(story())
