"""What CloudFormation makes of template.yaml before it deploys: the work of two transforms, as MiniStack has them.

`python -I local/emulator/transforms.py` in .venv/ministack reads `[{"template": …, "parameters": {…}}, …]` from its
input (the template as text) and writes for each `{"template": …, "refused": …}`: the processed template, and what a
rule says against the parameters, or null. With the argument `rules` there are no templates, which take their time.
Paths to code stand for what is in S3: another path is another upload.
"""

import copy
import functools
import json
import sys

from ministack.services.cloudformation import engine, language_extensions

CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def put_parameters_in_place() -> None:
    """Let the language extensions replace each reference to a parameter by its value, in the resources.

    "The AWS::LanguageExtensions transform resolves parameters to literal values during processing" (its page in the
    CloudFormation template reference).
    """
    apply = language_extensions.apply

    def with_values(node, values):
        if isinstance(node, list):
            return [with_values(inner, values) for inner in node]
        if not isinstance(node, dict):
            return node
        if node.keys() == {"Ref"} and node["Ref"] in values:
            return values[node["Ref"]]
        return {key: with_values(inner, values) for key, inner in node.items()}

    def applied(template, parameters):
        expanded = apply(template, parameters)
        return {**expanded, "Resources": with_values(expanded["Resources"], parameters)}

    language_extensions.apply = applied


@functools.cache
def parsed(text):
    """A template, with its code as if it had been uploaded."""
    template = engine._parse_template(text)
    for resource in template["Resources"].values():
        if isinstance(resource, dict) and resource["Type"] in CODE:
            properties, name = resource["Properties"], CODE[resource["Type"]]
            properties[name] = f"s3://code/{properties[name]}"
    return template


def refused(text, parameters):
    """What a rule of the template says against parameters; None: they are taken."""
    try:
        engine._evaluate_rules(parsed(text), engine._resolve_parameters(parsed(text), parameters), {})
    except ValueError as error:
        return str(error)
    return None


if __name__ == "__main__":
    put_parameters_in_place()
    found = []
    for asked in json.load(sys.stdin):
        text = asked["template"]
        given = [{"Key": name, "Value": value} for name, value in asked["parameters"].items()]
        answer = {"refused": refused(text, given)}
        if sys.argv[1:] != ["rules"]:
            answer["template"] = engine._apply_transforms(copy.deepcopy(parsed(text)), given)
        found.append(answer)
    json.dump(found, sys.stdout)
