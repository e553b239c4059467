# SPDX-License-Identifier: Apache-2.0
"""README's first webhook, as it stands there."""
import re
import subprocess

import yaml

from support.listen import Listen
from support.paths import PATIENCE, SRC


def blocks(heading, language):
    """Of README, below a heading of the second level."""
    part = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", (SRC / "README.md").read_text(), re.M | re.S)[1]
    return re.findall(rf"^```{language}[^\n]*\n(.*?)^```$", part, re.M | re.S)


def shell(command, env):
    return subprocess.run(["bash", "-euc", command], env=env, capture_output=True, text=True, timeout=PATIENCE)


def test_the_first_webhook_of_the_readme_arrives_verified(new_hub):
    """To the letter: only ports and directories are this test's."""
    hub = new_hub("")
    configuration, = blocks("The first configuration", "yaml")
    webhook, = blocks("The first webhook", "yaml")
    trigger = next(b for b in blocks("The first configuration", "sh") if b.startswith("curl "))
    export, listen = blocks("The first webhook", "sh")[0].splitlines()
    token = next(b for b in blocks("The first configuration", "sh") if "CRM_TOKEN=" in b).splitlines()[0]
    token = shell(f"{token}\necho $CRM_TOKEN", hub.environment()).stdout.strip()
    secret = shell(f"{export}\necho $HOOK_SECRET", hub.environment()).stdout.strip()
    hub.env = {"HOOK_SECRET": secret, "CRM_TOKEN": token}
    option = re.fullmatch(r"belfry listen --secret '(\S+)' .*", listen)[1]
    ear = Listen("--secret", option, env=hub.environment())
    try:
        config = {**yaml.safe_load(configuration), **yaml.safe_load(webhook)}
        config["hub"].update(listen="127.0.0.1:0", data_dir=str(hub.data_dir))
        config["channels"]["hooks"]["endpoints"][0]["url"] = \
            config["channels"]["hooks"]["endpoints"][0]["url"].replace("http://127.0.0.1:8421/", ear.url)
        hub.config = config
        hub.start()
        done = shell(trigger.replace("http://127.0.0.1:8420", hub.url), hub.environment())
        assert '"accepted"' in done.stdout, done.stdout + done.stderr
        came = ear.wait(1)[0]
        assert (came["type"], came["verified"], came["path"]) == ("record.assigned", True, "/hook")
        assert came["body"]["data"]["title"] == "Northwind Dairy"
    finally:
        assert ear.end() == (0, "")
