/*
 * The first process of a sandbox. It holds the sandbox's namespaces open and does nothing else:
 *
 * - as process 1 of its PID namespace it reaps every orphan, so that no zombie stays in the sandbox;
 * - on SIGTERM or SIGINT it exits with status 0 at once;
 * - every other signal that can be blocked changes nothing.
 *
 * Where it is not process 1 it does the same for its own children, of which it has none.
 *
 * No C library: one page of code and one of stack are all that a sandbox pays. Every signal stays blocked from
 * the first instruction on, and is taken by a synchronous wait: no handler runs, so no call is ever interrupted and
 * nothing can be lost between a look and a wait. Faults that the kernel forces (SIGSEGV and its like) cannot be
 * caused by this code, and cannot be sent to process 1 from inside the sandbox; sent to a process that is not
 * process 1, they are blocked and taken like any other.
 */

typedef unsigned long word;

#if defined(__x86_64__)

enum { SYS_rt_sigprocmask = 14, SYS_rt_sigtimedwait = 128, SYS_wait4 = 61, SYS_exit_group = 231 };

static inline long call(word number, word a, word b, word c, word d) {
	long result;
	register word r10 __asm__("r10") = d;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return result;
}

/* The ABI wants the stack aligned at a call; the kernel gives no return address. */
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall run\n\thlt\n");

#elif defined(__aarch64__)

enum { SYS_rt_sigprocmask = 135, SYS_rt_sigtimedwait = 137, SYS_wait4 = 260, SYS_exit_group = 94 };

static inline long call(word number, word a, word b, word c, word d) {
	register word x8 __asm__("x8") = number;
	register word x0 __asm__("x0") = a;
	register word x1 __asm__("x1") = b;
	register word x2 __asm__("x2") = c;
	register word x3 __asm__("x3") = d;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return (long)x0;
}

__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tbl run\n\tbrk #1\n");

#else
#error "pause is written for amd64 and arm64"
#endif

/* The same on both architectures. */
enum { SIGNAL_INT = 2, SIGNAL_TERM = 15, SET_MASK = 2 /* SIG_SETMASK */, NO_HANG = 1 /* WNOHANG */ };

/* Bytes of the kernel's signal set: 64 signals, also the size that its calls ask to be told. */
enum { SET_SIZE = 8 };

static const struct {
	long seconds;
	long nanoseconds;
} no_time = {0, 0};

__attribute__((noreturn, used)) void run(void) {
	const word every_signal = ~0ul;
	call(SYS_rt_sigprocmask, SET_MASK, (word)&every_signal, 0, SET_SIZE);
	for (;;) {
		/*
		 * One SIGCHLD may stand for many children, so each reaping is followed by another look, and only when there was
		 * nothing to reap is a signal waited for. A look at the signals comes between two reapings: a storm of orphans
		 * does not keep SIGTERM waiting, which the kernel hands out before SIGCHLD.
		 */
		const long reaped = call(SYS_wait4, (word)-1l, 0, NO_HANG, 0);
		const long taken = call(SYS_rt_sigtimedwait, (word)&every_signal, 0, reaped > 0 ? (word)&no_time : 0, SET_SIZE);
		if (taken == SIGNAL_TERM || taken == SIGNAL_INT) {
			call(SYS_exit_group, 0, 0, 0, 0);
		}
	}
}
