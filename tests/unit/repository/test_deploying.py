"""samconfig.toml and the workflow that deploys: what must hold before anybody has tried them on AWS."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from local.stack import ROOT
from local.template import template

Json = dict[str, Any]

SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
STAGES = ("dev", "stage", "prod")
WORKFLOW_TEXT = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
# YAML 1.1 reads the key `on` as true.
WORKFLOW: Json = yaml.safe_load(WORKFLOW_TEXT)
JOBS: dict[str, Json] = WORKFLOW["jobs"]
DEPLOYING = {"stage": "stage", "prod-changes": "prod", "prod": "prod"}
"""The environment of samconfig.toml by the job."""


def overrides(stage: str) -> dict[str, str]:
    """The template's parameters of a stage."""
    text: str = SAMCONFIG[stage]["deploy"]["parameters"]["parameter_overrides"]
    return dict(override.split("=", 1) for override in text.split())


def commands(job: str) -> list[str]:
    """What a job runs, in its order."""
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


@pytest.mark.parametrize("stage", [*STAGES, "local"])
def test_a_stage_gives_parameters_that_there_are(stage: str) -> None:
    for name, value in overrides(stage).items():
        parameter = template()["Parameters"][name]
        assert value in map(str, parameter.get("AllowedValues", [value])), name
    assert overrides(stage)["Stage"] == stage


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_all_that_sam_inherits_from_nowhere(stage: str) -> None:
    whole = SAMCONFIG[stage]["global"]["parameters"]
    assert whole["language_extensions"] is True  # Else SAM does not build what Fn::ForEach makes.
    assert SAMCONFIG[stage]["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"
    assert "PrivateWebhooks" not in overrides(stage)


def test_no_two_stages_are_one_stack() -> None:
    names = [SAMCONFIG[stage]["global"]["parameters"]["stack_name"] for stage in STAGES]
    assert len(set(names)) == len(names)
    assert SAMCONFIG["default"]["global"]["parameters"]["stack_name"] == names[STAGES.index("prod")]


def test_what_the_workflow_uses_cannot_be_changed_under_it() -> None:
    used = re.findall(r"uses: (.+)", WORKFLOW_TEXT)
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v[0-9.]+", one)] == []


def test_the_workflow_has_no_stored_keys_of_aws_and_asks_for_little() -> None:
    assert WORKFLOW["permissions"] == {}
    assert set(re.findall(r"secrets\.(\w+)", WORKFLOW_TEXT)) == {"SMOKE_KEY"}
    may_assume = {name for name, job in JOBS.items() if job["permissions"].get("id-token") == "write"}
    assert may_assume == DEPLOYING.keys()
    for job in JOBS.values():
        assert job["permissions"]["contents"] == "read"
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}


def test_cloudformation_may_read_the_roles_and_policies_that_it_makes() -> None:
    """What it reads of AWS::IAM::Role and AWS::IAM::ManagedPolicy, by the handlers in their resource schemas.
    PowerUserAccess allows none of it."""
    role = template(ROOT / ".github" / "deploy-roles.yaml")["Resources"]["StackRole"]["Properties"]
    (statement,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    read = {"GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"}
    read |= {"GetPolicy", "GetPolicyVersion", "ListEntitiesForPolicy"}
    assert {f"iam:{action}" for action in read} <= set(statement["Action"])


def test_two_deployments_never_cross() -> None:
    assert WORKFLOW["concurrency"] == {"group": "deploy", "cancel-in-progress": False}


def test_prod_comes_last_after_what_was_checked_and_tried_out() -> None:
    assert JOBS["stage"]["needs"] == ["check", "build"]
    assert (JOBS["prod-changes"]["needs"], JOBS["prod"]["needs"]) == ("stage", "prod-changes")
    assert {name: JOBS[name]["environment"] for name in DEPLOYING} == {name: name for name in DEPLOYING}


@pytest.mark.parametrize(("job", "stage"), DEPLOYING.items())
def test_a_job_deploys_the_stage_that_it_is_called_after(job: str, stage: str) -> None:
    of_sam = [command for command in commands(job) if "sam deploy" in command]
    assert of_sam
    for command in of_sam:
        assert f"--config-env {stage} " in command
        assert "--no-confirm-changeset" in command
    carried_out = [command for command in of_sam if "--no-execute-changeset" not in command]
    assert len(carried_out) == (job != "prod-changes")
    tries = [step for step in JOBS[job]["steps"] if "local.smoke" in step.get("run", "")]
    assert len(tries) == len(carried_out)
    for step in tries:
        assert step["env"]["STACK"] == SAMCONFIG[stage]["global"]["parameters"]["stack_name"]
