"""Uses of the package `ocpp` that behave differently afterwards, or that are no longer needed."""

import ast
from collections.abc import Iterator
from typing import Final, TypeAlias

from ._findings import Finding
from ._names import BoundNames

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_HOOKS: Final = frozenset({"_send", "_handle_call", "_get_specific_response"})
_INTERNALS: Final = frozenset({"_response_queue", "_call_lock"})
_TASKS: Final = frozenset({"create_task", "ensure_future"})
_PAYLOAD: Final = len("Payload")

_CALL_RESULT: Final = (
    "a CALLERROR raises its OCPPError instead of returning None; catch it, pass `suppress=True`, or set "
    "`suppress_call_errors = True` in the class"
)
_CLASS_NAME: Final = "only the names of `…Payload` classes end in these seven letters; others lose a part"
_DECIMAL: Final = "handlers receive Decimal as before in charging profiles and schedules of 1.6; check other uses"
_NOT_AWAITED: Final = "`validate_payload` is a coroutine function since `ocpp` 2.0.0; await it"
_FILES: Final = "the package has no schema files; use `messages.get_validator(…).schema`"
_CUSTOM_DATA: Final = (
    "the keys within custom data and the data of DataTransfer are no longer converted; use those of the wire, or set "
    "`convert_custom_data = True` in the class"
)


def findings(tree: ast.Module, names: BoundNames) -> Iterator[Finding]:
    """Yield the places of a file that need a decision."""
    for node in ast.walk(tree):
        yield from _module_uses(node, names)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _call_results(node)
                if action := _handled_action(node, names):
                    yield from _workarounds(node)
                    yield from _body_keys(node, action)
            case ast.ClassDef():
                yield from _overrides(node)
            case ast.Attribute(attr=name, ctx=ast.Store()) if name in _INTERNALS:
                yield Finding(node.lineno, "internal", f"your `{name}` is used as before; check that you need it")
            case ast.Subscript(value=ast.Attribute(attr="__name__"), slice=ast.Slice(upper=end)) if _is_payload(end):
                yield Finding(node.lineno, "class-name", _CLASS_NAME)
            case ast.ImportFrom(module="decimal") | ast.Import(names=[ast.alias(name="decimal")]):
                yield Finding(node.lineno, "decimal", _DECIMAL)
            case ast.Call():
                yield from _custom_data_sent(node)
            case ast.Subscript() | ast.Attribute():
                yield from _custom_data_read(node)
            case _:
                pass


def _is_payload(end: ast.expr | None) -> bool:
    return isinstance(end, ast.UnaryOp) and isinstance(end.operand, ast.Constant) and end.operand.value == _PAYLOAD


def _module_uses(node: ast.AST, names: BoundNames) -> Iterator[Finding]:
    match node:
        case ast.Expr(value=ast.Call(func=function)) if names.path_of(function) == "ocpp.messages.validate_payload":
            yield Finding(node.lineno, "not-awaited", _NOT_AWAITED)
        case ast.Attribute(value=module, attr="__file__" | "__path__") if names.path_of(module):
            yield Finding(node.lineno, "files", _FILES)
        case _:
            pass


# Results of calls


def _call_results(function: Function) -> Iterator[Finding]:
    results = {ast.unparse(target) for node in ast.walk(function) for target in _assigned_result(node)}
    for node in ast.walk(function):
        for tested in _tested(node):
            value = tested.value if isinstance(tested, ast.NamedExpr) else tested
            is_kept = isinstance(value, ast.Name | ast.Attribute) and ast.unparse(value) in results
            if is_kept or _is_result(value):
                yield Finding(tested.lineno, "call-result", _CALL_RESULT)


def _assigned_result(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=targets, value=value) if _is_result(value):
            yield from targets
        case ast.AnnAssign(target=target, value=ast.expr() as value) if _is_result(value):
            yield target
        case ast.NamedExpr(target=target, value=value) if _is_result(value):
            yield target
        case _:
            pass


def _is_result(value: ast.expr) -> bool:
    """Return True for `await x.call(payload)`, also in another function as in `wait_for`."""
    if not isinstance(value, ast.Await) or not isinstance(value.value, ast.Call):
        return False
    return any(_is_call(each) for each in (value.value, *value.value.args))


def _is_call(node: ast.expr) -> bool:
    """Return True for a call that leaves `suppress` to its default."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "call":
        return False
    return len(node.args) == 1 and all(keyword.arg not in {"suppress", None} for keyword in node.keywords)


def _tested(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that a node tests for truth or compares with None."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
            yield test
        case ast.BoolOp(values=values):
            yield from values
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Compare(left=left, comparators=[ast.Constant(value=None)]):
            yield left
        case _:
            pass


# Handlers


def _handled_action(function: Function, names: BoundNames) -> str | None:
    """Return the source text of the action that a function handles, or None if it handles none."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and names.path_of(decorator.func) in {
            "ocpp.routing.on",
            "ocpp.routing.after",
        }:
            return ast.unparse(decorator.args[0]) if decorator.args else "action"
    return None


def _workarounds(function: Function) -> Iterator[Finding]:
    for node in ast.walk(function):
        name = _called(node)
        if name in _TASKS and isinstance(node, ast.Call) and _contains_call(node):
            text = "a handler may await its own call, the task is no longer needed for it"
            yield Finding(node.lineno, "task-in-handler", text)
        elif name == "sleep" and isinstance(node, ast.Call):
            text = "a wait for the response to be sent is no longer needed before a call"
            yield Finding(node.lineno, "sleep-in-handler", text)


def _called(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return name
        case _:
            pass
    return None


def _contains_call(node: ast.Call) -> bool:
    """Return True if a task runs a method of the charge point, which may call."""
    return any(isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute) for argument in node.args)


def _overrides(node: ast.ClassDef) -> Iterator[Finding]:
    for method in node.body:
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.name in _HOOKS:
            text = f"`{method.name}` is called as before; check that it relies on no other private name"
            yield Finding(method.lineno, "override", text)


# Custom data


def _custom_data_sent(node: ast.Call) -> Iterator[Finding]:
    names = {"custom_data"} | ({"data"} if "DataTransfer" in (_called(node) or "") else set())
    for keyword in node.keywords:
        if keyword.arg in names and isinstance(keyword.value, ast.Dict):
            keys = [key.value for key in keyword.value.keys if isinstance(key, ast.Constant)]
            if any(isinstance(key, str) and "_" in key for key in keys):
                yield Finding(keyword.value.lineno, "custom-data", _CUSTOM_DATA)


def _custom_data_read(node: ast.Subscript | ast.Attribute) -> Iterator[Finding]:
    reads = isinstance(node, ast.Subscript) or node.attr == "get"
    if reads and isinstance(node.ctx, ast.Load) and _name_of(node.value) == "custom_data":
        yield Finding(node.lineno, "custom-data", _CUSTOM_DATA)


def _body_keys(function: Function, action: str) -> Iterator[Finding]:
    if "DataTransfer" not in action and "data_transfer" not in action:
        return
    for node in ast.walk(function):
        match node:
            case ast.Subscript(value=ast.Name(id="data")) | ast.Attribute(value=ast.Name(id="data"), attr="get"):
                yield Finding(node.lineno, "custom-data", _CUSTOM_DATA)
            case _:
                pass


def _name_of(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
            return name
        case _:
            pass
    return None
