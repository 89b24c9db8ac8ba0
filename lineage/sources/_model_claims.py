"""What on a part of a workload may name a model? Its URIs, variables, arguments, labels, tags and images.

The places are those of sources-ops 5.2, the kinds of claims and their order those of section 7 there. Values stand as
written, but for credentials inside URIs. What only could be about a model (a variable `MODEL_NAME`) is a claim; what
could be about anything (a checksum of 32 hex digits, a bucket in a variable of another name) is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Claim, Component

_ORDER = (
    "model-uri",
    "registry-label",
    "model-package",
    "image",
    "artifact-uri",
    "run-id",
    "logged-model-id",
    "cloud-registry-id",
    "git-commit",
    "template-annotation",
    "version-label",
    "name",
)
_RANK = {kind: number for number, kind in enumerate(_ORDER)}

_MODEL_URI = re.compile(
    r"(?<![\w+.-])(?:(?:models|runs):/{1,3}[^\s\"'<>,;|]+|(?:mlflow|model-registry)://[^\s\"'<>,;|]+)"
)
_URI = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PACKAGE = re.compile(r"arn:aws[\w-]*:sagemaker:[\w-]*:\d*:model-package/\S+")
_CLOUD = re.compile(r"azureml:\S+|projects/[^/\s]+/locations/[^/\s]+/models/\S+")
_RUN = re.compile(r"(?<![0-9A-Za-z-])[0-9a-f]{32}(?![0-9A-Za-z-])")
_LOGGED = re.compile(r"(?<![0-9A-Za-z-])m-[0-9a-f]{32}(?![0-9A-Za-z-])")
_NAME_AND_VERSION = re.compile(r"[A-Za-z0-9][\w.-]*/v?\d+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_MODEL_VARIABLE = re.compile(
    r"(?:(?:HF|ML|MLFLOW|MLSERVER|SM|AIP|TRITON|TS|TF|TORCH|ONNX|SERVED|SERVING|INFERENCE|PREDICTOR|BASE|LLM|EMBEDDING"
    r"|SELDON|BENTOML?)_)?MODEL(?:_[A-Z0-9]+)*_(?:URI|URL|PATH|DIR|LOCATION|SOURCE|ID|NAME|VERSION|REF|ARTIFACT|REPO"
    r"|REPOSITORY)|(?:AIP_)?STORAGE_URI",
    re.IGNORECASE,
)
_RUN_VARIABLE = re.compile(r"(?:MLFLOW_|MODEL_|TRAINING_)?RUN_ID", re.IGNORECASE)
_REGISTRY_VARIABLE = re.compile(r"MLFLOW_(?:TRACKING|REGISTRY)_URI", re.IGNORECASE)
_COMMIT_VARIABLE = re.compile(
    r"(?:GIT_(?:COMMIT|SHA|REVISION)|COMMIT_SHA|GITHUB_SHA|CI_COMMIT_SHA|SOURCE_COMMIT)"
)
_MODEL_OPTION = re.compile(
    r"--(?:served[-_])?model(?:[-_](?:uri|url|id|name|path|base[-_]path|repository|source|version|tag))?"
)
_SERVER = re.compile(
    r"(?:^|/)(?:[\w.-]*(?:mlserver|torchserve|tritonserver|huggingfaceserver|sklearnserver|xgbserver|lgbserver"
    r"|pmmlserver|paddleserver|mlflowserver|paddleserving|text-generation-inference|text-embeddings-inference|vllm"
    r"|sglang|lmdeploy|djl-serving|ollama|model[-_]server|llama[-.]cpp)[\w.-]*|tensorflow/serving[\w.-]*)$",
    re.IGNORECASE,
)
_BESIDE_SERVERS = re.compile(
    r"operator|controller|exporter|router|proxy|webui|agent|initializer", re.IGNORECASE
)
"""Images that belong to a model server and serve no model themselves."""

COMMIT_NOTES = frozenset({"git-commit", "commit", "commit-sha", "git-sha", "git-revision", "revision"})
"""Last segments of annotations that hold a commit, where the value looks like one."""

_LAST_APPLIED = "last-applied-configuration"
_KUBEFLOW = "modelregistry.kubeflow.org/"
_SECRET_WORDS = frozenset(
    {"token", "secret", "password", "passwd", "credential", "credentials", "apikey", "key"}
)
_KEPT = re.compile(
    r"(?:^|[^a-z0-9])(?:models?|mlflow|modelregistry|registry|run|version|name|change|ticket|jira|reason|approved"
    r"|approver|approval|deployed|deployer|env|environment|service|slo|sla|ci|git|github|gitlab"
    r"|commit|tracking)(?![a-z0-9])",
    re.IGNORECASE,
)
_LONGEST_NOTE = 1_000
_USER = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]+@")
_BARE_USER = re.compile(r"(?<=://)[^/@\s:]+@")
_SIGNED = re.compile(
    r"([?&](?:sig|signature|x-amz-[\w-]+|x-goog-[\w-]+|awsaccesskeyid|(?:access_)?token|password|key|secret)=)[^&#\s]*",
    re.IGNORECASE,
)


def redacted(uri: str) -> str:
    """Return `uri` without passwords, tokens and signatures in it; the rest stands as written.

    >>> redacted("https://bob:hunter2@models.example.com/fraud/3?sig=abc")
    'https://bob:***@models.example.com/fraud/3?sig=***'
    >>> redacted("abfss://models@lake.dfs.core.windows.net/fraud/3")
    'abfss://models@lake.dfs.core.windows.net/fraud/3'
    """
    text = _USER.sub(r"\1:***@", uri)
    if text[:4].lower() in {"http", "git+"}:
        text = _BARE_USER.sub("***@", text)
    return _SIGNED.sub(r"\1***", text)


def words(name: str) -> frozenset[str]:
    """Return the words of a label's or annotation's name, in lower case."""
    return frozenset(re.split(r"[^a-z0-9]+", name.lower())) - {""}


def mapping(value: Any) -> dict[Any, Any]:
    """Return `value` when it is an object, else an empty one: absent, null and malformed are alike here."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return `value` when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def scalar(value: Any) -> str:
    """Return the text of a scalar as YAML writes it, so that JSON and YAML forms of one object agree.

    >>> scalar(True), scalar(3), scalar(0.5), scalar({"a": 1})
    ('true', '3', '0.5', '')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value) if isinstance(value, int) else ""


def notes_of(value: Any) -> dict[str, str]:
    """Return labels or annotations as text, without what kubectl keeps of the last applied manifest."""
    return {
        name: scalar(text)
        for name, text in mapping(value).items()
        if isinstance(name, str) and not name.endswith(_LAST_APPLIED)
    }


def kept_notes(notes: Mapping[str, str]) -> dict[str, str]:
    """Return those labels or annotations that name a model, a change, an approval, an environment, a service or CI.

    >>> kept_notes({"team.io/approved-by": "ann", "checksum/config": "ab", "git-token": "x"})
    {'team.io/approved-by': 'ann'}
    """
    return {
        name: redacted(text)
        for name, text in sorted(notes.items())
        if len(text) <= _LONGEST_NOTE and _KEPT.search(name) and not words(name) & _SECRET_WORDS
    }


def decides(name: str, text: str) -> bool:
    """Tell whether a label or annotation has a part in what is served (and not only in who changed it or why)."""
    said = words(name)
    return (
        name.startswith(("serving.kserve.io/", _KUBEFLOW))
        or bool(said & {"model", "models", "mlflow"})
        or ({"run", "id"} <= said and _RUN.fullmatch(text) is not None)
        or _MODEL_URI.search(text) is not None
    )


class Clues:
    """Everything found on one part of a workload; it becomes a component.

    Attributes:
        evident: true once something was found that speaks of a model, so that an ordinary Deployment can be told
            from one that serves a model.
    """

    __slots__ = ("_claims", "_env", "evident", "image", "uri")

    def __init__(self) -> None:
        self.uri = ""
        self.image = ""
        self.evident = False
        self._claims: dict[tuple[str, str], Claim] = {}
        self._env: dict[str, str] = {}

    def add(self, kind: str, value: str, where: str, *, evident: bool = True) -> None:
        """Note a claim once, at the first place it was found."""
        if value.strip():
            self._claims.setdefault((kind, value), Claim(kind, value, where))
            self.evident = self.evident or evident

    def model(self, value: Any, where: str) -> None:
        """Take the value of a field whose meaning is "here lies the model"."""
        uri = redacted(scalar(value).strip())
        if uri:
            self.uri = self.uri or uri
            self._text(uri, where, about_model=True)

    def picture(self, value: Any, where: str) -> None:
        """Take a container image."""
        image = scalar(value).strip()
        if image:
            self.image = self.image or image
            self.add("image", image, where, evident=is_model_server(image))

    def container(self, container: Mapping[str, Any], where: str) -> None:
        """Take the image, variables and arguments of a container."""
        self.picture(container.get("image"), f"{where}.image")
        self._variables(container.get("env"), f"{where}.env")
        for field in ("command", "args"):
            self._arguments(items(container.get(field)), f"{where}.{field}")

    def notes(self, notes: Mapping[str, str], where: str, *, several: bool = False) -> None:
        """Take labels or annotations; where they are those of `several` models, only what holds for each of them."""
        if not several:
            self._registered(notes, where)
        for name, text in notes.items():
            place = f"{where}[{name}]"
            last = name.rpartition("/")[2].lower()
            said = words(name)
            if last in COMMIT_NOTES and _COMMIT.fullmatch(text):
                self.add("git-commit", text, place, evident=False)
            elif name in {"version", "app.kubernetes.io/version"}:
                self.add("version-label", text, place, evident=False)
            elif not several and not name.startswith(_KUBEFLOW) and not said & _SECRET_WORDS:
                about_model = bool(said & {"model", "models", "mlflow"})
                run = {"run", "id"} <= said
                self._text(redacted(text), place, about_model=about_model or run)
                if about_model:
                    self._called(text, last, place)

    def _registered(self, notes: Mapping[str, str], where: str) -> None:
        """Take the ids of Kubeflow's registry: of the version, else of the registry's own service, and of the model."""
        model, version, service = (
            notes.get(f"{_KUBEFLOW}{name}-id", "").strip()
            for name in ("registered-model", "model-version", "inference-service")
        )
        if version:
            value = "/".join(filter(None, (model, version)))
            self.add("registry-label", value, f"{where}[{_KUBEFLOW}model-version-id]")
            return
        if service:
            self.add(
                "registry-label", f"inference-service/{service}", f"{where}[{_KUBEFLOW}inference-service-id]"
            )
        if model:
            self.add("registry-label", f"{model}/newest", f"{where}[{_KUBEFLOW}registered-model-id]")

    def name(self, name: str, where: str) -> None:
        """Take the name of the whole, which is a model's name at best by custom."""
        self.add("name", name, where, evident=False)

    def component(self, name: str, weight: float | None = None) -> Component:
        """Return what was found, the strongest claims first."""
        claims = tuple(sorted(self._claims.values(), key=lambda claim: _RANK[claim.kind]))
        return Component(name, self.uri, self.image, weight, claims, dict(self._env))

    def _text(self, text: str, where: str, *, about_model: bool) -> None:
        """Look for what names a model by its form; plain URIs and ids only where the place is about models."""
        found = [match.group() for match in _MODEL_URI.finditer(text)]
        for uri in found:
            self.add("model-uri", uri, where)
        for match in _PACKAGE.finditer(text):
            self.add("model-package", match.group(), where)
        for match in _LOGGED.finditer(text):
            self.add("logged-model-id", match.group(), where)
        if not about_model:
            return
        for match in _CLOUD.finditer(text):
            self.add("cloud-registry-id", match.group(), where)
        if not found and _URI.fullmatch(text):
            self.add("artifact-uri", text, where)
        for match in _RUN.finditer(text):
            self.add("run-id", match.group(), where)

    def _called(self, text: str, last: str, where: str) -> None:
        if _NAME_AND_VERSION.fullmatch(text):
            self.add("template-annotation", text, where)
        elif "version" in words(last):
            self.add("version-label", text, where)
        elif ("name" in words(last) or last == "model") and not _URI.match(text):
            self.add("name", text, where)

    def _variables(self, env: Any, where: str) -> None:
        for number, entry in enumerate(items(env)):
            name, text = scalar(mapping(entry).get("name")), scalar(mapping(entry).get("value"))
            place = f"{where}[{number}].value"
            if not name or not text:
                continue
            if _MODEL_VARIABLE.fullmatch(name):
                self._model_variable(name, redacted(text), place)
            elif _RUN_VARIABLE.fullmatch(name) and _RUN.fullmatch(text):
                self.add("run-id", text, place)
                self._env[name] = text
            elif _COMMIT_VARIABLE.fullmatch(name) and _COMMIT.fullmatch(text):
                self.add("git-commit", text, place, evident=False)
            elif _REGISTRY_VARIABLE.fullmatch(name):
                self._env[name] = redacted(text)
            elif not words(name) & _SECRET_WORDS:
                self._text(redacted(text), place, about_model=False)

    def _model_variable(self, name: str, text: str, where: str) -> None:
        self._env[name] = text
        self.evident = True
        self._text(text, where, about_model=True)
        role = name.upper().rpartition("_")[2]
        if role in {"URI", "URL", "PATH", "LOCATION", "SOURCE", "ARTIFACT"} and (
            _URI.fullmatch(text) or _MODEL_URI.fullmatch(text)
        ):
            self.uri = self.uri or text
        elif role == "VERSION":
            self.add("version-label", text, where)
        elif role in {"NAME", "ID", "REF"} and not _URI.match(text) and not text.startswith("/"):
            self.add("name", text, where)

    def _arguments(self, arguments: list[Any], where: str) -> None:
        for place, option, text in _options(arguments, where):
            about_model = bool(_MODEL_OPTION.fullmatch(option))
            self._text(redacted(text), place, about_model=about_model)
            if about_model and text and not text.startswith(("/", "-", "$", "{")):
                self.evident = True
                if option.endswith("version"):
                    self.add("version-label", text, place)
                elif not _URI.match(text) and not _MODEL_URI.match(text):
                    self.add("name", text, place)


def is_model_server(image: str) -> bool:
    """Tell whether an image is that of a known model server, by the name of its repository.

    >>> is_model_server("docker.io/vllm/vllm-openai:v0.9"), is_model_server("kserve/kserve-controller:v0.15")
    (True, False)
    """
    head, _, last = image.partition("@")[0].rpartition("/")
    repository = f"{head}/{last.partition(':')[0]}"
    return bool(_SERVER.search(repository)) and not _BESIDE_SERVERS.search(last)


def digest_in(text: str) -> str:
    """Return the `sha256:...` digest in an image reference or image id; empty when there is none."""
    found = _DIGEST.search(text)
    return found.group() if found else ""


def _options(arguments: list[Any], where: str) -> Iterator[tuple[str, str, str]]:
    """Yield each word of a command line with the option it belongs to, shell lines taken apart at blanks."""
    option = ""
    for number, argument in enumerate(arguments):
        for word in scalar(argument).split():
            name, equals, value = word.partition("=")
            if word.startswith("--"):
                option = name
                if equals:
                    yield f"{where}[{number}]", name, value
                    option = ""
            else:
                yield f"{where}[{number}]", option, word.strip("\"'")
                option = ""
