"""Machines: volunteers' and imported open servers."""

from collections.abc import Iterable
from dataclasses import dataclass

from consent.alias import alias_of
from consent.state import State
from server.administration.acts import Desk, Json, act
from server.errors import InvalidRequest, NotFound


@dataclass(frozen=True, slots=True)
class Machine:
    """One instance: its name if it is an open server, its consent record if it is a volunteer's."""

    instance: str
    name: str | None = None
    record_id: str | None = None

    @property
    def alias(self) -> str:
        """The computed friendly name."""
        return alias_of(self.instance)

    @property
    def subject(self) -> str:
        """What an audit entry may say about it."""
        return self.record_id or ("instance" if self.name is None else f"source/{self.name}")


def machines(desk: Desk) -> dict[str, Machine]:
    """Every instance that has rows, a consent in force, or is an open server; by instance id."""
    found = {instance: Machine(instance, name=name) for instance, name in desk.registry.sources().items()}
    for consent in desk.registry.list_consents():
        if consent.instance_id is not None and consent.state is State.GIVEN:
            found[consent.instance_id] = Machine(consent.instance_id, record_id=consent.record_id)
    for summary in desk.store.latest():  # a consent that ran out: its rows stay until midnight
        if summary.instance not in found:
            status = desk.registry.consent_of(summary.instance)
            found[summary.instance] = Machine(summary.instance, record_id=None if status is None else status.record_id)
    return found


@act("instances-list")
def list_all(desk: Desk) -> Json:
    """Every machine and when it was last heard of."""
    seen = {summary.instance: summary.last_time for summary in desk.store.latest()}
    desk.note("instances.listed", "instances")
    instances = [
        {
            "instance": machine.instance,
            "alias": machine.alias,
            "source": "open-server" if machine.name is not None else "volunteer",
            "name": machine.name,
            "record_id": machine.record_id,
            "last_seen": seen.get(machine.instance),
        }
        for machine in machines(desk).values()
    ]
    return {"instances": sorted(instances, key=lambda entry: (-(entry["last_seen"] or 0), entry["alias"]))}


@act("instances-erase")
def erase(desk: Desk, *, instance: str) -> Json:
    """Erase all rows of one machine, given by id, alias or name. A volunteer's consent stays in force, and so more
    rows may come; ``consents-terminate`` ends both."""
    machine = _find(instance, machines(desk).values())
    rows = desk.store.erase(machine.instance, final=False)
    desk.registry.forget_pauses(machine.instance)
    desk.note("instance.erased", machine.subject)
    return {"instance": machine.instance, "alias": machine.alias, "rows": rows, "record_id": machine.record_id}


def _find(wanted: str, known: Iterable[Machine]) -> Machine:
    found = [machine for machine in known if wanted in (machine.instance, machine.alias, machine.name)]
    if not found:
        raise NotFound(f"there is no machine {wanted[:60]!r}; run: sysmetric-server instances list")
    if len(found) > 1:
        raise InvalidRequest(f"{wanted[:60]!r} names {len(found)} machines; give the id of one")
    return found[0]
