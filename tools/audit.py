"""Asks for known vulnerabilities of what the images hold. Exit code 1: there are some, or not all could be asked.

With --where-possible (as .ci/run does) a source that cannot be reached is said and is no failure: machines without the
internet, or with a mirror that holds no advisories, can still be a gate for everything else.
"""

import json
import subprocess
import sys

from locked import AUDIT, IMAGES, requirements


def main() -> None:
    """Every file once, though images share some."""
    found, unasked = [], []
    for file in dict.fromkeys(file for image in IMAGES for file in requirements(image)):
        command = [AUDIT / "pip-audit", "--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off"]
        done = subprocess.run([*command, "-r", file], capture_output=True, text=True, check=False)  # noqa: S603  # our own
        try:
            asked = json.loads(done.stdout)["dependencies"]
        except ValueError:  # it gave up: no network, most likely
            unasked.append(f"{file.name}: {(done.stderr.strip() or 'pip-audit said nothing').splitlines()[-1]}")
            continue
        for each in asked:
            if "skip_reason" in each:
                unasked.append(f"{file.name}: {each['skip_reason']}")
            found += [(file.name, each, known) for known in each.get("vulns", ())]
    for name, each, known in found:
        mended = ", ".join(known["fix_versions"]) or "no version yet"
        print(f"{name}: {each['name']} {each['version']}: {known['id']}, mended in {mended}")
    if unasked:
        print(f"audit: could not be asked about {len(unasked)} packages or files; the first: {unasked[0]}")
    if found or (unasked and "--where-possible" not in sys.argv):
        sys.exit(1)
    print("audit: NOT POSSIBLE here, see above" if unasked else "audit: nothing known against what the images hold")


if __name__ == "__main__":
    main()
