// SPDX-License-Identifier: GPL-2.0
///
/// A system call has to reject the bits of its flags that it does not know,
/// or they can never get a meaning: there may be programs that set them, and
/// a program cannot find out whether a kernel has a flag. The same is true of
/// flags, reserved and padding members of what an ioctl reads.
///
// Confidence: Moderate
// Comments:
//  First come the facts of each file: who gets the flags from whom, and who
//  tests them. At the end they are put together, whatever the order of the
//  files and the number of jobs. So what is seen depends on what is read. A
//  run on one file follows flags within it, a run on a folder or the tree
//  (with its headers) through all of it. What goes to a function that was not
//  read may be tested there, and is not reported.
//
//  Followed are arguments, local copies, and members of structs whose address
//  is passed on; not calls through pointers, which count as no test. A test on
//  one path counts for all paths, one of known bits alone does not count.
//
//  spatch does not expand COMPAT_SYSCALL_DEFINE; these functions are not seen.
//  The struct of an ioctl is known if its header was read. A run on the tree
//  does that; for one on a folder add SPFLAGS=--all-includes.
// Options: --no-includes --include-headers

virtual org
virtual report

@initialize:python@
@@
import collections
import linecache
import re

# System calls that are right not to test all bits in a place that can be followed, and why.
KNOWN = {
    "send": "protocols get the flags, and some test them",
    "sendto": "as send",
    "sendmsg": "as send",
    "sendmmsg": "as send",
    "recv": "as send",
    "recvfrom": "as send",
    "recvmsg": "as send",
    "recvmmsg": "as send",
    "recvmmsg_time32": "as send",
}
# Functions and macros that need not be read, because they only pass on, print or record.
PASSIVE = re.compile(r"(lower|upper)_32_bits$|(trace|audit|pr)_|security_(ipc|msg|sem|shm)_|copy_|memset$"
                     r"|v?memdup_user$|(IS|PTR)_ERR|kv?free")

ENTRY = re.compile(r"\s*SYSCALL_DEFINE\d")
FLAGS = re.compile(r"(flags?|flg|options)$")

Place = collections.namedtuple("Place", "file current_element line column column_end")

# One list a kind of fact; finalize gets those of all jobs, so they hold plain values only.
coccinelle.params = []      # place of a function, its parameter: number, name, type
coccinelle.passes = []      # file, function, variable, where it goes: function, argument
coccinelle.copies = []      # file, function, variable, its copy
coccinelle.tests = []       # file, function, variable
coccinelle.members = []     # struct, member
coccinelle.reads = []       # place, struct, variable
coccinelle.uses = []        # file, function, variable.member

def place(p):
    return (p.file, p.current_element, p.line, p.column, p.column_end)

def name(expression):
    """x and & x are both x, x -> m and x.m both x.m: a struct and its address are one thing here."""
    return re.sub(r"\s*(->|\.)\s*", ".", expression.strip("& "))

def names(expression):
    """Of the variables whose bits are where they were in x, &x or x | y | BITS."""
    if ">>" in expression:
        return []
    return [x for x in map(name, expression.split("|")) if re.fullmatch(r"[a-z]\w*(\.\w+)?", x)]

def where(p):
    return p[0].file, p[0].current_element

class Facts:
    def __init__(self, params, passes, copies, tests, members, reads, uses):
        def table(rows, width):
            found = collections.defaultdict(list)
            for row in rows:
                found[row[:width]].append(row[width] if len(row) == width + 1 else row[width:])
            return found
        params = [(Place(*p), *rest) for p, *rest in sorted(set(params))]
        self.params, self.reads = params, [(Place(*p), *rest) for p, *rest in sorted(set(reads))]
        self.files = table({(p.current_element, p.file) for p, *_ in params}, 1)
        self.param = {(p.file, p.current_element, n): v for p, n, v, _ in params}
        self.passes, self.copies = table(sorted(set(passes)), 3), table(sorted(set(copies)), 3)
        self.tests, self.uses = set(tests), set(uses)
        self.members = table(sorted(set(members)), 1)

    def follow(self, file, function, variable, done, through):
        """False: what is done() with it settles the matter; None: cannot tell; True: nothing does."""
        key = file, function, variable
        if key in through:
            return True
        through.append(key)
        if done(key):
            return False
        verdict = True
        todo = [(file, function, c) for c in self.copies[key]]
        base, dot, member = variable.partition(".")
        for passed, rest in {variable: "", base: dot + member}.items():
            for callee, n in self.passes[file, function, passed]:
                files = self.files.get((callee,), [])
                if not files and not PASSIVE.match(callee):
                    verdict = None
                todo += [(f, callee, self.param[f, callee, n] + rest)
                         for f in ([file] if file in files else files) if (f, callee, n) in self.param]
        for step in todo:
            answer = self.follow(*step, done, through)
            if answer is False:
                return False
            verdict = verdict and answer
        return verdict

    def report(self, tell):
        for p, n, variable, kind in self.params:
            if not FLAGS.search(variable) or "*" in kind or p.current_element in KNOWN \
                    or not ENTRY.match(linecache.getline(p.file, int(p.line))):
                continue
            through = []
            if self.follow(p.file, p.current_element, variable, self.tests.__contains__, through):
                also = [f for _, f, _ in through if f != p.current_element]
                tell(p, f"WARNING: {p.current_element}() does not reject unknown bits of {variable}"
                     + (f", nor does what gets them: {', '.join(dict.fromkeys(also))}" if also else ""))
        for p, struct, variable in self.reads:
            for member in self.members[struct,]:
                if self.follow(p.file, p.current_element, f"{variable}.{member}", self.uses.__contains__, []):
                    tell(p, f"WARNING: struct {struct} is read from user space, its member {member} never tested")

// ---------------------------------------------------------------- who gets what from whom

@param@
identifier fn, v;
type T;
parameter list[n] before;
position p;
@@
fn@p(before, T v, ...) { ... }

@script:python@
v << param.v;
T << param.T;
n << param.n;
p << param.p;
@@
coccinelle.params.append((place(p[0]), int(n), v, T))

@pass@
identifier g;
expression list[n] before;
expression v;
position p;
@@
g(before, v@p, ...)

@script:python@
g << pass.g;
v << pass.v;
n << pass.n;
p << pass.p;
@@
coccinelle.passes.extend((*where(p), x, g, int(n)) for x in names(v))

@copy@
expression c, v;
position p;
@@
c = v@p

@script:python@
v << copy.v;
c << copy.c;
p << copy.p;
@@
coccinelle.copies.extend((*where(p), x, name(c)) for x in names(v))

@declared@
identifier c;
type T;
expression v;
position p;
@@
T c = v@p;

@script:python@
v << declared.v;
c << declared.c;
p << declared.p;
@@
coccinelle.copies.extend((*where(p), x, c) for x in names(v))

@init@
identifier S, c, m, v;
position p;
@@
struct S c = { ..., .m = v@p, ... };

@script:python@
c << init.c;
m << init.m;
v << init.v;
p << init.p;
@@
coccinelle.copies.append((*where(p), v, c + "." + m))

// ---------------------------------------------------------------- who tests

@masked@
expression v, e, e1;
identifier C =~ "INVALID|RESERVED|UNKNOWN";
statement S;
position p;
@@
 if@p (<+... \( v & ~e \| v & C \| (v | e) != e1 \| v != (v & e) \| (v & e) != v \) ...+>) S

@script:python@
v << masked.v;
p << masked.p;
@@
coccinelle.tests.append((*where(p), name(v)))

@whole@
identifier v, l;
expression e, e1;
constant c;
position p;
@@
 if (\( v@p \| unlikely(v@p) \| v@p || e \| e || v@p \| v@p != e \| v@p != e || e1 \| e1 || v@p != e \| v@p > e \))
(
   return -c;
|
   goto l;
|
   { ... return -c; }
|
   { ... goto l; }
|
   { ... e = -c; ... }
)

@script:python@
v << whole.v;
p << whole.p;
@@
coccinelle.tests.append((*where(p), v))

@switched@
identifier v;
expression e;
position p;
@@
 switch (v@p) { case e: ... }

@script:python@
v << switched.v;
p << switched.p;
@@
coccinelle.tests.append((*where(p), v))

// ---------------------------------------------------------------- what is read from user space

@member@
identifier S;
identifier m =~ "^([a-z0-9]+_)?(flags|pad|padding|reserved|resv|rsvd)[0-9]*$";
type T;
@@
struct S {
  ...
  T m;
  ...
};

@script:python@
S << member.S;
m << member.m;
@@
coccinelle.members.append((S, m))

@read@
identifier S;
struct S *v;
position p;
@@
(
 \(copy_from_user@p\|copy_struct_from_user@p\)(v, ...)
|
 v = \(memdup_user@p\|vmemdup_user@p\)(...)
)

@script:python@
S << read.S;
v << read.v;
p << read.p;
@@
coccinelle.reads.append((place(p[0]), S, name(v)))

@use@
expression v;
identifier m =~ "^([a-z0-9]+_)?(flags|pad|padding|reserved|resv|rsvd)[0-9]*$";
position p;
@@
(
 v.m@p
|
 v->m@p
)

@script:python@
v << use.v;
m << use.m;
p << use.p;
@@
coccinelle.uses.append((*where(p), name(v) + "." + m))

@finalize:python depends on report@
params << merge.params;
passes << merge.passes;
copies << merge.copies;
tests << merge.tests;
members << merge.members;
reads << merge.reads;
uses << merge.uses;
@@
Facts(*(sum(x, []) for x in (params, passes, copies, tests, members, reads, uses))).report(coccilib.report.print_report)

@finalize:python depends on org@
params << merge.params;
passes << merge.passes;
copies << merge.copies;
tests << merge.tests;
members << merge.members;
reads << merge.reads;
uses << merge.uses;
@@
Facts(*(sum(x, []) for x in (params, passes, copies, tests, members, reads, uses))).report(coccilib.org.print_todo)
