"""`pointsman keys`: the API keys that clients send; the file holds their hashes, never the keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pointsman.core.keys import KeyEntry

app = typer.Typer(help="Make, list and revoke the API keys of clients.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The key file, as given to `pointsman serve --keys`.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command()
def create(
    file: File,
    tenant: Annotated[str, typer.Option(help="Who is billed.")],
    user: Annotated[str, typer.Option(help="The one user of this key; by default, it stands for none.")] = "",
    models: Annotated[str, typer.Option(metavar="A,B", help="Names it may ask for; all by default.")] = "",
    speak_for_users: Annotated[
        bool, typer.Option("--speak-for-users", help="`user` of a request's body counts as the user.")
    ] = False,
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="Such as 90d, 12h or 2027-01-31T00:00:00Z; never by default.")
    ] = "",
    note: Annotated[str, typer.Option(help="For people who read the file.")] = "",
    as_json: Json = False,
) -> None:
    """Make a key and add its hash to FILE, which is made if it is missing. The key is printed once, here."""
    import secrets

    from pointsman.cli import key_store, times
    from pointsman.cli.output import err, write_json, write_plain
    from pointsman.core.key_file import add_entry
    from pointsman.core.keys import RANDOM_BYTES, KeyRights, new_key

    names = tuple(name.strip() for name in models.split(",") if name.strip())
    key, entry = new_key(
        secrets.token_bytes(RANDOM_BYTES),
        tenant=tenant,
        user=user,
        rights=KeyRights(models=names, speak_for_users=speak_for_users),
        expires=times.point_in_time(expires, "--expires") if expires else None,
        note=note,
    )
    key_store.change(file, lambda text: add_entry(text, entry), create=True)
    if as_json:
        write_json({"key": key, **_plain(entry)})
        return
    err.print(f"key {entry.id} of tenant {tenant}; it is shown only now:", markup=False)
    write_plain(key)


@app.command("list")
def list_keys(file: File, as_json: Json = False) -> None:
    """Show the keys of FILE: whose they are and what they may do."""
    from pointsman.cli import key_store
    from pointsman.cli.output import out, write_json

    entries = key_store.entries(file)
    if as_json:
        write_json([_plain(entry) for entry in entries])
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("id", "tenant", "user", "models", "rights", "state", "note", box=None, header_style="bold")
    for entry in entries:
        rights = "speaks for users" if entry.rights.speak_for_users else ""
        models = ", ".join(entry.rights.models) or "all"
        state = _state(entry)
        style = "green" if state.startswith("valid") else "red"
        cells = (entry.id, entry.tenant, entry.user or "-", models, rights or "-")
        table.add_row(*map(Text, cells), Text(state, style=style), Text(entry.note))
    out.print(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `pointsman keys list` shows it.")], file: File
) -> None:
    """Remove a key from FILE. Routers that watch the file refuse it within seconds."""
    from pointsman.cli import key_store
    from pointsman.cli.output import err
    from pointsman.core.key_file import remove_entry

    key_store.change(file, lambda text: remove_entry(text, key_id))
    err.print(f"revoked {key_id}")


def _plain(entry: "KeyEntry") -> dict[str, object]:
    return {
        "id": entry.id,
        "tenant": entry.tenant,
        "user": entry.user or None,
        "models": list(entry.rights.models),
        "speak_for_users": entry.rights.speak_for_users,
        "expires": entry.expires,
        "anonymous": entry.anonymous,
        "disabled": entry.disabled,
        "note": entry.note or None,
    }


def _state(entry: "KeyEntry") -> str:
    import time

    if entry.disabled:
        return "disabled"
    if entry.anonymous:
        return "valid for requests without a key"
    if entry.expires_at is None:
        return "valid"
    return f"expired {entry.expires}" if entry.expires_at <= time.time() else f"valid until {entry.expires}"
