"""A friendly name for an instance id, such as ``amber-otter-42``: computed, never stored, reveals nothing."""

import hashlib

_ADJECTIVES = (
    "amber ample azure bold brave brisk bronze calm clear clever coral cosmic crisp daring dusky eager early fair "
    "fleet fond gentle glad golden grand green happy hardy hazel honest humble indigo ivory jade jolly keen kind light "
    "lively lucid lunar mellow merry mild misty neat noble olive pearl plain polar proud quick quiet rapid ruby rustic "
    "sage silver solar steady sunny swift teal witty"
).split()
_ANIMALS = (
    "badger bear beaver bee bison bittern boar buzzard crane cricket crow deer dipper dormouse dove eagle eel "
    "egret elk falcon ferret finch fox frog gecko goose grebe hare hawk hedgehog heron ibex jay kestrel lark "
    "linnet lizard lynx magpie marten mole moose newt otter owl perch pike plover pony puffin quail raven robin "
    "salmon seal shrew sparrow squirrel stoat stork swan tern trout vole"
).split()


def alias_of(instance_id: str) -> str:
    """``adjective-animal-NN`` from a hash of the id: stable, and the id cannot be found from it."""
    digest = hashlib.sha256(b"alias:" + instance_id.encode()).digest()
    adjective = _ADJECTIVES[digest[0] % len(_ADJECTIVES)]
    animal = _ANIMALS[digest[1] % len(_ANIMALS)]
    return f"{adjective}-{animal}-{digest[2] % 90 + 10}"


def is_alias(name: str) -> bool:
    """Whether ``name``, in whatever case, is one that ``alias_of`` may give to some machine."""
    adjective, _, rest = name.casefold().partition("-")
    animal, _, number = rest.partition("-")
    numbered = number.isdecimal() and len(number) == 2 and int(number) >= 10
    return adjective in _ADJECTIVES and animal in _ANIMALS and numbered
