"""Small mistakes that a program could have: each mutant of a module differs in one place.

Left as they are: annotations, decorators, docstrings, imports, type aliases and what is called
once at import. A text is emptied as a whole; how it is worded is no mutant.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Header = ast.If | ast.While | ast.For | ast.With | ast.Try | ast.ExceptHandler


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one mistake in it.

    Attributes:
        line: Where.
        before: What stood there.
        after: What stands there now.
        lines: Those of which a test must run one to have a chance to notice.
        names: Values of the module that differ, or the class whose default does.
        source: The whole module.
    """

    line: int
    before: str
    after: str
    lines: frozenset[int]
    names: tuple[str, ...]
    source: str


def mutants_of(source: str) -> Iterator[Mutant]:
    """Yield all mutants of a module, from its first line to its last."""
    tree = ast.parse(source)
    text = source.encode()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for place in _places(tree):
        node = place.node
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = " ".join(text[start:end].decode().split())
        negated = [f"(not ({ast.unparse(node)}))"] if place.is_condition else []
        for after in [*_mistakes(node), *negated]:
            mutated = text[:start] + after.encode() + text[end:]
            yield Mutant(node.lineno, before, after, place.lines, place.names, mutated.decode())


@dataclass(frozen=True, slots=True)
class _Place:
    node: ast.expr | ast.stmt
    lines: frozenset[int]
    names: tuple[str, ...] = ()
    is_condition: bool = False


def _places(tree: ast.Module) -> Iterator[_Place]:
    for statement in tree.body:
        if isinstance(statement, _Function):
            yield from _in_function(statement)
        elif isinstance(statement, ast.ClassDef):
            yield from _in_class(statement)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and _is_value(statement.value):
            assert statement.value
            names = _assigned(statement)
            lines = _where_used(tree, names)
            for node in _expressions(statement.value):
                yield _Place(node, lines, names)


def _is_value(value: ast.expr | None) -> bool:
    """Tell whether it is no type alias and nothing that is made once, as a logger is."""
    if isinstance(value, ast.Call):
        return any(isinstance(node, ast.Constant | ast.BinOp) for node in ast.walk(value)) and not (
            isinstance(value.func, ast.Name) and value.func.id == "TypeVar"
        )
    is_alias = isinstance(value, ast.Subscript) or (
        isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr)
    )
    return value is not None and not is_alias


def _assigned(statement: ast.Assign | ast.AnnAssign) -> tuple[str, ...]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return tuple(target.id for target in targets if isinstance(target, ast.Name))


def _where_used(tree: ast.Module, names: tuple[str, ...]) -> frozenset[int]:
    """Return the lines that read some names of a module; of a default all the function's."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, _Function) and any(
            _is_read(inner, names) for inner in ast.walk(node.args)
        ):
            lines |= _lines(node)
        if isinstance(node, ast.stmt) and _reads(node, names):
            lines |= _head(node)
    return frozenset(lines)


def _reads(statement: ast.stmt, names: tuple[str, ...]) -> bool:
    is_plain = not isinstance(statement, _Function | ast.ClassDef)
    return is_plain and any(_is_read(node, names) for node in _own(statement))


def _is_read(node: ast.AST, names: tuple[str, ...]) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield a statement's nodes without the statements in it."""
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        yield node
        todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]


def _in_class(statement: ast.ClassDef) -> Iterator[_Place]:
    for inner in statement.body:
        if isinstance(inner, _Function):
            yield from _in_function(inner)
        elif isinstance(inner, ast.AnnAssign | ast.Assign) and inner.value:
            for node in _expressions(inner.value):
                yield _Place(node, _lines(statement), (statement.name,))


def _in_function(function: _Function) -> Iterator[_Place]:
    for default in [*function.args.defaults, *function.args.kw_defaults]:
        if default:
            for node in _expressions(default):
                yield _Place(node, _lines(function))
    for statement in function.body:
        yield from _in_statement(statement)


def _in_statement(statement: ast.stmt | ast.ExceptHandler) -> Iterator[_Place]:
    if isinstance(statement, _Function):
        yield from _in_function(statement)
        return
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Nonlocal):
        return
    if isinstance(statement, ast.stmt) and not isinstance(statement, _Header):
        yield _Place(statement, _lines(statement))
    for name, part in ast.iter_fields(statement):
        for child in part if isinstance(part, list) else [part]:
            if isinstance(child, ast.stmt | ast.ExceptHandler):
                yield from _in_statement(child)
            elif isinstance(child, ast.withitem):
                for node in _expressions(child.context_expr):
                    yield _Place(node, _head(statement))
            elif isinstance(child, ast.expr) and name not in ("annotation", "targets", "type"):
                for node in _expressions(child):
                    is_condition = node is child and name == "test" and not _has_opposite(node)
                    yield _Place(node, _head(statement), is_condition=is_condition)


def _has_opposite(node: ast.expr) -> bool:
    """Tell whether the opposite of a condition is among its mistakes anyway."""
    is_not = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    return is_not or (isinstance(node, ast.Compare) and len(node.ops) == 1)


def _expressions(node: ast.expr) -> Iterator[ast.expr]:
    """Yield an expression and those within; what an f-string is made of stays."""
    yield node
    if isinstance(node, ast.JoinedStr):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.comprehension):
            for part in (child.iter, *child.ifs):
                yield from _expressions(part)
        elif isinstance(child, ast.keyword):
            yield from _expressions(child.value)
        elif isinstance(child, ast.expr):
            yield from _expressions(child)


def _lines(node: ast.stmt | ast.ExceptHandler) -> frozenset[int]:
    return frozenset(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _head(node: ast.stmt | ast.ExceptHandler) -> frozenset[int]:
    """Return the lines of a statement, without those of the statements in it."""
    inner = [
        child.lineno
        for child in ast.iter_child_nodes(node)
        if isinstance(child, ast.stmt | ast.ExceptHandler)
    ]
    last = min(inner) - 1 if inner else node.end_lineno or node.lineno
    return frozenset(range(node.lineno, max(last, node.lineno) + 1))


def _mistakes(node: ast.expr | ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.stmt):
        yield from _mistakes_of_statement(node)
    elif isinstance(node, ast.Constant):
        yield from _mistakes_of_constant(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "''"
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in _COMPARED[type(node.ops[0])]:
            yield _changed(node, ops=[other()])
    elif isinstance(node, ast.Compare):
        yield from (_changed(node, ops=ops) for ops in _chains(node.ops))
    elif isinstance(node, ast.BinOp) and type(node.op) in _CALCULATED:
        yield _changed(node, op=_CALCULATED[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp):
        yield f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.IfExp):
        yield _changed(node, body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.Call):
        for number in range(len(node.keywords)):
            yield _changed(node, keywords=node.keywords[:number] + node.keywords[number + 1 :])


def _chains(ops: list[ast.cmpop]) -> Iterator[list[ast.cmpop]]:
    for number, op in enumerate(ops):
        for other in _COMPARED[type(op)]:
            yield [*ops[:number], other(), *ops[number + 1 :]]


def _mistakes_of_constant(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield repr(not value)
    elif isinstance(value, int):
        yield repr(value + 1)
    elif isinstance(value, float):
        yield repr(value * 2 if value else 1.0)
    elif isinstance(value, str):
        yield "''" if value else "'XX'"
    elif isinstance(value, bytes):
        yield "b''" if value else "b'XX'"


def _mistakes_of_statement(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Return) and node.value and not _is_none(node.value):
        yield "return None"
    if isinstance(node, ast.AugAssign) and type(node.op) in _CALCULATED:
        yield _unparsed(node, op=_CALCULATED[type(node.op)]())
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Delete):
        yield "pass"
    if isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple):
        yield "pass"
    if isinstance(node, ast.Return) and not node.value:
        yield "pass"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _changed(node: ast.expr, **fields: object) -> str:
    return f"({_unparsed(node, **fields)})"


def _unparsed(node: ast.expr | ast.stmt, **fields: object) -> str:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return ast.unparse(other)
