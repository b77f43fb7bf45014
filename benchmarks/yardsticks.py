"""The extension of in_the_office.py as a file: what cells are measured beside."""

import zipfile
from pathlib import Path

SERVICE, PLAIN = "org.backprop.benchmark", "PLAIN_STEP"
PARAMETERS = ("weights", "inputs", "targets", "rate")
KINDS = {
    "types.idl": "uno-typelibrary;type=RDB",
    "component.py": "uno-component;type=Python",
    "CalcAddIns.xcu": "configuration-data",
}
MANIFEST = '<manifest:manifest xmlns:manifest="http://openoffice.org/2001/manifest">{}</manifest:manifest>'
ENTRY = '<manifest:file-entry manifest:media-type="application/vnd.sun.star.{}" manifest:full-path="{}"/>'
TYPES = """module org {{ module backprop {{ module benchmark {{
    interface XPlain: com::sun::star::uno::XInterface {{
      sequence< sequence<any> > {}({});
    }};
}}; }}; }};
"""
REGISTRY = """<?xml version="1.0" encoding="UTF-8"?>
<oor:component-data xmlns:oor="http://openoffice.org/2001/registry" oor:name="CalcAddIns"
    oor:package="org.openoffice.Office">
  <node oor:name="AddInInfo"><node oor:name="{service}.Functions" oor:op="replace"><node oor:name="AddInFunctions">
    <node oor:name="{name}" oor:op="replace">
      <prop oor:name="DisplayName"><value xml:lang="en">{name}</value></prop>
      <prop oor:name="Category"><value>Add-In</value></prop>
    </node>
  </node></node></node>
</oor:component-data>
"""


def parts() -> dict[str, str]:
    """Every file of the extension by its path."""
    declared = ", ".join(f"[in] sequence< sequence<any> > {name}" for name in PARAMETERS)
    return {
        "META-INF/manifest.xml": MANIFEST.format("".join(ENTRY.format(kind, path) for path, kind in KINDS.items())),
        "types.idl": TYPES.format(PLAIN, declared),
        "component.py": Path(__file__).with_name("in_the_office.py").read_text("utf-8"),
        "CalcAddIns.xcu": REGISTRY.format(service=SERVICE, name=PLAIN),
    }


def package(path: Path) -> Path:
    """Write the extension."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts().items():
            archive.writestr(name, text)
    return path
