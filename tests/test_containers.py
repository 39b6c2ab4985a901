"""Dockerfile and compose.yaml, as far as they can be read: they name what the project has, pinned and locked up."""

import re
import shlex

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = settings.BASE_DIR
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text()
SERVICES = yaml.safe_load(COMPOSE_TEXT)["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("seedream-desk:")}
KNOWN = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_settings_of_the_containers_are_known():
    told = {name for service in OURS.values() for name in service["environment"]}
    assert told | set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE_TEXT)) <= KNOWN


def test_secrets_have_no_default():
    assert set(re.findall(r"\$\{(\w+):-", COMPOSE_TEXT)) == {"CERTIFICATES", "ACME"}


@pytest.mark.parametrize("name", OURS)
def test_container_runs_a_command_that_is_there(name):
    command = OURS[name].get("command") or shlex.split(
        re.search(r"^CMD \[(.+)\]", DOCKERFILE, re.MULTILINE)[1].replace(",", "")
    )
    assert command[0] == "python"
    assert command[1:3] == ["-m", "sandbox"] or (command[1] == "manage.py" and command[2] in get_commands())


@pytest.mark.parametrize("name", OURS)
def test_container_has_no_rights_and_a_file_system_to_read(name):
    service = OURS[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_image_runs_as_a_user_without_rights():
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["10001:10001"]


def test_images_are_pinned():
    images = [
        service["image"] for service in SERVICES.values() if service["image"].partition(":")[0] != "seedream-desk"
    ]
    images += re.findall(r"^ARG PYTHON=(.+)$", DOCKERFILE, re.MULTILINE)
    assert [image for image in images if not re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)*$", image)] == []


def test_only_nginx_is_open_to_the_world():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]


def test_who_depends_on_a_check_finds_one():
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            has_check = "test" in SERVICES[other].get("healthcheck", {}) or other == "web"  # the image's own
            assert has_check == (how["condition"] == "service_healthy")


def test_backup_programs_are_as_new_as_the_server():
    server = re.match(r"postgres:(\d+)", SERVICES["postgres"]["image"])[1]
    assert f"postgresql-client-{server} " in DOCKERFILE
    assert f"/usr/lib/postgresql/{server}/bin/pg_dump" in DOCKERFILE


def test_image_gets_all_that_the_program_imports_and_shows():
    taken = set(re.findall(r"^!(\S+?)/?$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert {"manage.py", "requirements.txt", "jobs", "sandbox", "seedream_site", "static", "templates"} < taken
    assert not any(name.startswith(".env") or name in {"var", ".git"} for name in taken)
