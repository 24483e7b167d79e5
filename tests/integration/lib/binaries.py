"""Where the programs under test are."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]


def built(name):
    """A program of this project: $BUILD_DIR/bin/name, BUILD_DIR defaulting to <root>/build."""
    path = pathlib.Path(os.environ.get("BUILD_DIR") or ROOT / "build") / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{path}: build first, or set BUILD_DIR")
    return path


def real_proxysql():
    """The real ProxySQL of PROXYSQL_BIN; None: use the stand-in."""
    name = os.environ.get("PROXYSQL_BIN")
    if not name:
        return None
    path = pathlib.Path(name).resolve()
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"PROXYSQL_BIN={name}: not an executable file")
    return path
