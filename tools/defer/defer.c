// SPDX-License-Identifier: GPL-2.0
/*
 * defer: run a program with its timers made deferrable.
 *
 * This program decides what may be deferred and has the dynamic loader put
 * libdefer.so, which does it, into the program and into all that it starts.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "defer.h"

/* As env(1), nice(1) and timeout(1) have them. */
#define EXIT_OWN		125
#define EXIT_CANNOT_EXECUTE	126
#define EXIT_NOT_FOUND		127

#define SYSCTL "/proc/sys/kernel/timer_defer_max_ms"

const char *argp_program_version = "defer 0.7.0";

static struct settings settings = {
	.min_ns = 200000000,
	.max_ns = 5000000000,
};

static const struct argp_option options[] = {
	{ "max", 'm', "DURATION", 0, "how late a timer wakes the CPU (5s); 0: never", 0 },
	{ "min-period", 'p', "DURATION", 0, "leave shorter periods and sleeps alone (200ms)", 0 },
	{ "verbose", 'v', NULL, 0, "say what is not deferred, and at each exit what was", 0 },
	{ 0 }
};

static __u64 parse_duration(const char *option, const char *text,
			    const struct argp_state *state)
{
	static const struct {
		const char *name;
		__u64 ns;
	} units[] = {
		{ "", 1000000000 }, { "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 },
		{ "m", 60000000000 },
	};
	__u64 n, ns;
	char *end;

	/* It takes white space and signs as well; what is too long for it is so for us. */
	n = strtoull(text, &end, 10);
	if (isdigit((unsigned char)*text))
		for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
			if (strcmp(end, units[i].name))
				continue;
			if (!__builtin_mul_overflow(n, units[i].ns, &ns) && ns <= LLONG_MAX)
				return ns;
			argp_error(state, "%s: '%s' is too long; at most 292 years can be given",
				   option, text);
		}
	argp_error(state, "%s: '%s' is not a duration; wanted a whole number %s",
		   option, text, "with us, ms, s or m, such as 200ms");
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	int *command = state->input;

	switch (key) {
	case 'm':
		settings.max_ns = parse_duration("--max", arg, state);
		return 0;
	case 'p':
		settings.min_ns = parse_duration("--min-period", arg, state);
		return 0;
	case 'v':
		settings.verbose = 1;
		return 0;
	case ARGP_KEY_ARG:
		/* What follows belongs to the program. */
		*command = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no program given");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "PROGRAM [ARGUMENT...]",
	.doc = "Run a program with its timers made deferrable: they no longer wake an idle CPU.\n"
	       "\vA DURATION is a whole number with us, ms, s or m behind it, or seconds without.\n"
	       "\n"
	       "Examples:\n"
	       "  defer --max 1m --min-period 500ms -v ./sampler\n"
	       "  defer --max 0 vmstat 10\n"
	       "  defer --max 0 sh -c 'while sleep 10; do date; done'\n"
	       "\n"
	       "Sleeps and POSIX timers are deferred only with --max 0, or if the sysctl\n"
	       "kernel.timer_defer_max_ms bounds them to --max. The manual is defer(1).\n",
};

/*
 * The kernel looks at the flags before it looks for the descriptor: nothing
 * is set, whatever the answer is.
 */
static bool kernel_defers(void)
{
	static const struct itimerspec disarm;

	return timerfd_settime(-1, TFD_TIMER_IS_DEFERRABLE, &disarm, NULL) && errno == EBADF;
}

/*
 * Only the sysctl bounds sleeps and POSIX timers. Its value in ms is stored
 * in bound; 0, also where it cannot be read, is no bound.
 */
static int sleeps_are_bounded(__u64 *bound)
{
	FILE *f = fopen(SYSCTL, "re");

	*bound = 0;
	if (f) {
		if (fscanf(f, "%llu", bound) != 1)
			*bound = 0;
		fclose(f);
	}
	return !settings.max_ns || (*bound && *bound <= settings.max_ns / 1000000);
}

/* The library is beside this program before it is installed, and in ../lib/septet after. */
static char *find_library(void)
{
	static const char * const places[] = { "", "../lib/septet/" };
	char self[PATH_MAX], path[2 * PATH_MAX], *found;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0) {
		fprintf(stderr, "defer: /proc/self/exe: %s\n", strerror(errno));
		return NULL;
	}
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%slibdefer.so", self, places[i]);
		found = realpath(path, NULL);
		if (found)
			break;
	}
	if (!found)
		fprintf(stderr, "defer: no libdefer.so in %s nor in %s/../lib/septet\n",
			self, self);
	/* These separate libraries in LD_PRELOAD, or begin what the loader replaces. */
	else if (strpbrk(found, " :$"))
		fprintf(stderr, "defer: %s: no space, ':' or '$' can be in a path for the loader\n",
			found);
	else
		return found;
	return NULL;
}

static bool load_library(void)
{
	const char *others = getenv("LD_PRELOAD");
	char *library = find_library();
	char text[128], *all = NULL;
	bool done;

	if (!library)
		return false;
	snprintf(text, sizeof(text), SETTINGS_FORMAT, settings.min_ns, settings.max_ns,
		 settings.sleeps, settings.verbose);
	done = asprintf(&all, "%s%s%s", library, others ? ":" : "", others ? others : "") > 0 &&
	       !setenv("LD_PRELOAD", all, 1) && !setenv(SETTINGS, text, 1);
	if (!done)
		fprintf(stderr, "defer: %s\n", strerror(ENOMEM));
	free(all);
	free(library);
	return done;
}

/* Where execvp() will find the program. */
static const char *find_program(const char *name, char *path)
{
	const char *dir = getenv("PATH");

	if (strchr(name, '/') || !dir)
		return name;
	for (;; dir++) {
		size_t n = strcspn(dir, ":");

		if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)n, dir, n ? "/" : "", name) <
		    PATH_MAX && !access(path, X_OK))
			return path;
		dir += n;
		if (!*dir)
			return name;
	}
}

#if __SIZEOF_POINTER__ == 8
#define OWN_CLASS ELFCLASS64
#define elf_hdr elf64_hdr
#define elf_phdr elf64_phdr
#else
#define OWN_CLASS ELFCLASS32
#define elf_hdr elf32_hdr
#define elf_phdr elf32_phdr
#endif

/*
 * The loader that an ELF file of this program's class asks for is put in
 * loader, which is empty if it asks for none.
 */
static bool read_loader(int fd, char *loader)
{
	struct elf_hdr header;
	struct elf_phdr segment;

	*loader = '\0';
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return false;
	for (int i = 0; i < header.e_phnum; i++) {
		if (pread(fd, &segment, sizeof(segment), header.e_phoff + i * sizeof(segment)) !=
		    sizeof(segment))
			return false;
		if (segment.p_type != PT_INTERP)
			continue;
		if (segment.p_filesz >= PATH_MAX ||
		    pread(fd, loader, segment.p_filesz, segment.p_offset) !=
		    (ssize_t)segment.p_filesz)
			return false;
		loader[segment.p_filesz] = '\0';
		return true;
	}
	return true;
}

static bool is_own_loader(const char *loader)
{
	char own[PATH_MAX];
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool other = false;

	if (self >= 0) {
		other = read_loader(self, own) && strcmp(loader, own);
		close(self);
	}
	return !other;
}

static bool gains_privilege(int fd)
{
	struct stat st;

	return !fstat(fd, &st) &&
	       ((st.st_mode & S_ISUID && st.st_uid != getuid()) ||
		(st.st_mode & S_ISGID && st.st_gid != getgid()) ||
		(getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0));
}

/*
 * False if the program could not start with the library: another loader belongs
 * to another C library. Programs that will just not get it, but may start some
 * that do, are named.
 */
static bool check_program(const char *path, int depth)
{
	char start[PATH_MAX] = "", loader[PATH_MAX];
	const char *why = NULL;
	bool can_start = true;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	/* execvp() will find out why. */
	if (fd < 0)
		return true;
	n = read(fd, start, sizeof(start) - 1);
	if (n > 2 && !memcmp(start, "#!", 2) && depth < 4) {
		char *interpreter = strtok(start + 2, " \t\n");

		if (interpreter)
			can_start = check_program(interpreter, depth + 1);
	} else if (n > EI_CLASS && !memcmp(start, ELFMAG, SELFMAG)) {
		if (start[EI_CLASS] != OWN_CLASS) {
			why = "is a program of another word size";
		} else if (read_loader(fd, loader)) {
			can_start = !*loader || is_own_loader(loader);
			if (!*loader)
				why = "is statically linked";
			else if (!can_start)
				why = "uses another loader";
			else if (gains_privilege(fd))
				why = "gains privileges when it starts";
		}
	}
	close(fd);
	if (why && settings.verbose)
		fprintf(stderr, "defer: %s %s: its timers stay as they are\n", path, why);
	return can_start;
}

static void explain_sleeps(__u64 bound)
{
	char text[DURATION_TEXT];

	fprintf(stderr, "defer: sleeps and POSIX timers stay as they are: ");
	fprintf(stderr, "kernel.timer_defer_max_ms is %llu%s and --max is %s\n",
		bound, bound ? "" : " (no limit)", duration_text(text, settings.max_ns));
}

int main(int argc, char **argv)
{
	int command = 0, err;
	char path[PATH_MAX];
	__u64 bound;

	argp_err_exit_status = EXIT_OWN;
	err = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command);
	if (err) {
		fprintf(stderr, "defer: %s\n", strerror(err));
		return EXIT_OWN;
	}
	if (kernel_defers()) {
		settings.sleeps = sleeps_are_bounded(&bound);
		if (settings.verbose && !settings.sleeps)
			explain_sleeps(bound);
		if (check_program(find_program(argv[command], path), 0) && !load_library())
			return EXIT_OWN;
	} else if (settings.verbose) {
		fprintf(stderr, "defer: this kernel has no deferrable timers: ");
		fprintf(stderr, "%s runs as without defer\n", argv[command]);
	}
	execvp(argv[command], argv + command);
	err = errno;
	fprintf(stderr, "defer: %s: %s\n", argv[command], strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
}
