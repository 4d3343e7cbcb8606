"""The JSON schema and the decoder agree on every example.

  schema_test.py CONFIG_TOOL SOURCE_DIR

Good examples, and what they are when printed with all defaults, satisfy the schema. Bad ones do
not, but for those in beyond_schema.txt: rules that tie several fields together, or ranges of
durations and sizes, which a schema cannot express. A file in that list which the schema does
refuse is an error as well, so that the list stays as short as it can be.
"""
import json
import pathlib
import re
import subprocess
import sys
import unittest

import jsonschema

TOOL, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
EXAMPLES = SOURCE / "tests" / "config"
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)


def parse(data):
    """JSON with comments, as strict as the decoder."""
    text = data.decode("utf-8-sig")
    text = TOKENS.sub(lambda m: m.group() if m.group().startswith('"') else " ", text)

    def no_duplicates(pairs):
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("duplicate key")
        return dict(pairs)

    def no_constant(name):
        raise ValueError(name)

    value = json.loads(text, object_pairs_hook=no_duplicates, parse_constant=no_constant)
    json.dumps(value, ensure_ascii=False).encode()  # refuses lone surrogates
    return value


def tool(*arguments):
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, check=True)
    return done.stdout


class SchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads(tool("schema"))
        cls.validator = jsonschema.Draft7Validator(cls.schema)

    def problems(self, value):
        return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in
                self.validator.iter_errors(value)]

    def test_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(self.schema)

    def test_good_examples(self):
        shipped = [p for p in (SOURCE / "config").glob("*.json")
                   if not p.name.endswith(".schema.json")]
        paths = shipped + list((EXAMPLES / "good").glob("*.json"))
        self.assertGreater(len(paths), 10)
        for path in paths:
            with self.subTest(path.name):
                self.assertEqual(self.problems(parse(path.read_bytes())), [])
                self.assertEqual(self.problems(json.loads(tool("print", path))), [])

    def test_bad_examples(self):
        beyond = {line for line in (EXAMPLES / "beyond_schema.txt").read_text().split("\n")
                  if line and not line.startswith("#")}
        accepted = set()
        paths = list((EXAMPLES / "bad").glob("*.json"))
        self.assertGreaterEqual(len(paths), 35)
        for path in paths:
            try:
                value = parse(path.read_bytes())
            except ValueError:
                continue  # not even JSON
            if not self.problems(value):
                accepted.add(path.stem)
        self.assertEqual(accepted, beyond)

    def test_every_field_is_described(self):
        def walk(schema, path):
            for key, field in schema.get("properties", {}).items():
                self.assertTrue(field.get("description"), path + key)
                walk(field, path + key + ".")
            for inner in [schema.get("additionalProperties"), schema.get("items"),
                          *schema.get("oneOf", [])]:
                if isinstance(inner, dict):
                    walk(inner, path + "*.")
        walk(self.schema, "")

    def test_defaults_satisfy_their_own_rules(self):
        def walk(schema):
            if "default" in schema:
                jsonschema.Draft7Validator(schema).validate(schema["default"])
            for value in schema.values():
                if isinstance(value, dict):
                    walk(value)
        walk(self.schema)


unittest.main(argv=sys.argv[:1])
