"""Each migration is one that the release before it can live with: while both work, and after the way back."""

import pytest
from django.db import models
from django.db.migrations import AddConstraint, AddField, AddIndex, AlterField, CreateModel, RemoveField, RenameField
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython, SeparateDatabaseAndState

FIRST = "0010"  # nobody runs a release from before beside one of today
# (migration, operation): why the release before can live with it all the same. What a release no longer uses is
# removed by the one after it, and stands here then.
EXCEPTIONS: dict[tuple[str, str], str] = {}


def known_migrations():
    loader = MigrationLoader(None)
    for app, name in loader.graph.forwards_plan(loader.graph.leaf_nodes("jobs")[0]):
        if app == "jobs" and name >= FIRST:
            yield pytest.param(
                loader.project_state((app, name), at_end=False), loader.get_migration(app, name), id=name
            )


def in_the_database(operations):
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from in_the_database(operation.database_operations)
        else:
            yield operation


def problem(operation, state):
    """Why the release before could not go on beside it; empty when it can."""
    match operation:
        case CreateModel() | AddIndex() | RunPython():
            return ""
        case AddField(field=field):
            is_left_out = field.null or field.has_db_default() or field.many_to_many
            return "" if is_left_out else "Its INSERTs leave the column out: make it null, or give it a db_default."
        case AlterField(field=field):
            before = state.models["jobs", operation.model_name_lower].fields[operation.name]
            return "" if in_columns(field) == in_columns(before) else "It knows the column as it was."
    return "It may still use what this takes away, or write what this forbids."


def in_columns(field):
    """What the database knows of a field."""
    _name, path, arguments, options = field.deconstruct()
    return (
        path,
        arguments,
        {name: value for name, value in options.items() if name not in (*field.non_db_attrs, "default")},
    )


@pytest.mark.parametrize(("state", "migration"), list(known_migrations()))
def test_release_before_can_live_with_each_migration(state, migration):
    for operation in in_the_database(migration.operations):
        if (migration.name, operation.describe()) not in EXCEPTIONS:
            assert not problem(operation, state), f"{operation.describe()}: {problem(operation, state)}"
        operation.state_forwards("jobs", state)


@pytest.mark.parametrize(
    "operation",
    [
        AddField("job", "mood", models.CharField(max_length=9, default="")),
        RemoveField("job", "seed"),
        RenameField("job", "seed", "start"),
        AlterField("job", "seed", models.BigIntegerField()),
        AddConstraint("job", models.UniqueConstraint(fields=["text"], name="one")),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_what_the_release_before_cannot_live_with_is_found(operation):
    loader = MigrationLoader(None)
    assert problem(operation, loader.project_state(loader.graph.leaf_nodes("jobs")[0]))


def test_new_choice_alone_is_no_problem():
    loader = MigrationLoader(None)
    state = loader.project_state(loader.graph.leaf_nodes("jobs")[0])
    verb = models.CharField(max_length=20, choices=[("a", "A")])
    assert not problem(AlterField("jobevent", "verb", verb), state)
