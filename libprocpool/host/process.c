/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fork.h"
#include "host/program.h"

/* States: spawning (in a thread) -> running -> ended, or spawning -> failed. The thread owns the launcher
 * and argv while it spawns and posts the outcome to the reactor; all else happens there. A spawn in flight
 * holds a reference, so does the watch for the end.
 *
 * The pidfd tells the end, since an exit status may never come: an application may ignore SIGCHLD or
 * wait for all children itself. The status is peeked at without reaping, which stays GSubprocess's part;
 * where GSubprocess was faster, it is asked. Without pidfds (an old kernel, some sandboxes, valgrind) a
 * thread that waits takes their place.
 *
 * A process that was forked for this one is no child of it: whoever forked it tells its status when it has
 * reaped it, which may be before or after the pidfd tells of the end, or never. Where there are no pidfds it
 * ends with its template.
 */
struct _ProcProcess
{
  gatomicrefcount ref_count;
  ProcReactor *reactor;
  ProcProcessCallbacks callbacks;
  gpointer user_data;
  gboolean abandoned; /* nobody is interested any more */

  /* The spawning thread's, until it posts. */
  GSubprocessLauncher *launcher;
  char **argv;
  GError *error;

  /* Of one that is to be forked, until it is or that has failed. */
  ProcReactorFunc give_up;
  gpointer give_up_data;
  gboolean forked;
  gboolean orphaned; /* nobody will tell its status */

  gboolean spawned; /* what follows is there */
  GSubprocess *subprocess; /* NULL: forked */
  int pid;
  int pidfd; /* -1 if there are none */
  ProcWatch *watch;
  ProcTimer *status_timer;
  guint n_status_tries;
  gboolean status_known;

  gboolean ended;
  ProcProcessEnd end;
  int end_code; /* exit code or signal */
};

/* <linux/pidfd.h> of kernels since 6.9; older ones refuse it with EINVAL. */
#define PIDFD_SIGNAL_GROUP (1 << 2)

/* How often to look for the status of a process that has ended: GLib's thread mostly takes it in a moment, and
 * whatever waits for the worker's place waits for that. Later after 1 ms, 2 ms and so on.
 */
#define N_PROMPT_TRIES 50
#define MAX_STATUS_TRIES (N_PROMPT_TRIES + 8)

/* How long to wait for the status of a forked process that has ended, in milliseconds. Whoever finds its
 * channel closed takes it for alive after a second.
 */
#define STATUS_PATIENCE 800

/* How long to wait for a thread to be had, in milliseconds, where there are no pidfds. */
#define WATCH_INTERVAL 100

/* What GLib opens and duplicates before it starts a process: /dev/null up to three times, and the channel. */
#define N_SPARE_FDS 4

/* GLib doesn't fail but aborts where it gets no descriptor for that. 0, or errno. */
static int
check_spare_fds (void)
{
  int fds[N_SPARE_FDS];
  int error_number = 0;
  guint n_fds;

  for (n_fds = 0; n_fds < N_SPARE_FDS && error_number == 0; n_fds++)
    {
      fds[n_fds] = open ("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fds[n_fds] < 0)
        error_number = errno;
    }

  while (n_fds > 0)
    proc_fd_close (fds[--n_fds]);

  return error_number;
}

static gboolean
spawn (ProcProcess *self)
{
  /* One at a time, lest they take the descriptors away from one another. */
  static GMutex mutex;
  static ProcForkMutex fork_mutex = { .mutex = &mutex, .anew = TRUE };
  g_autoptr (GMutexLocker) locker = NULL;
  g_autoptr (GError) error = NULL;
  int error_number;

  proc_fork_keep_mutex (&fork_mutex);
  locker = g_mutex_locker_new (&mutex);
  error_number = check_spare_fds ();
  if (error_number != 0)
    {
      proc_program_set_error (&self->error, self->argv[0], g_strerror (error_number));
      return FALSE;
    }

  self->subprocess = g_subprocess_launcher_spawnv (self->launcher, (const char *const *) self->argv, &error);
  if (self->subprocess)
    return TRUE;

  proc_program_set_error (&self->error, self->argv[0], error->message);
  return FALSE;
}

static void
open_pidfd (ProcProcess *self)
{
  const char *identifier = g_subprocess_get_identifier (self->subprocess);

  /* Ended and reaped already: it has no number any more. */
  if (!identifier)
    return;

  self->pid = (int) g_ascii_strtoll (identifier, NULL, 10);
  self->pidfd = (int) syscall (SYS_pidfd_open, self->pid, 0);

  /* Reaped in between: the descriptor might be another's. */
  if (!g_subprocess_get_identifier (self->subprocess))
    proc_fd_clear (&self->pidfd);
}

static void ended (gpointer user_data);

static gpointer
wait_thread (gpointer user_data)
{
  ProcProcess *self = user_data;
  siginfo_t info;

  /* Not g_subprocess_wait(), which never ends where somebody else takes the status. It is left to GLib. */
  while (self->pid > 0 && waitid (P_PID, (id_t) self->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    ;
  proc_reactor_post (self->reactor, ended, self);

  return NULL;
}

static void
on_pidfd (GIOCondition condition, gpointer user_data)
{
  ProcProcess *self = user_data;

  proc_watch_clear (&self->watch);
  ended (self);
}

/* A watch for the end, which holds a reference. */
static void
watch_end (gpointer user_data)
{
  ProcProcess *self = user_data;
  GThread *thread;

  if (self->pidfd >= 0)
    self->watch = proc_reactor_add_watch (self->reactor, self->pidfd, G_IO_IN, on_pidfd, self, NULL);
  if (self->watch)
    return;

  thread = g_thread_try_new ("procpool-wait", wait_thread, self, NULL);
  if (thread)
    g_thread_unref (thread);
  else
    proc_reactor_add_timer (self->reactor, WATCH_INTERVAL, &self->status_timer, watch_end, self);
}

static void
on_spawned (gpointer user_data)
{
  g_autoptr (ProcProcess) self = user_data;

  if (self->error)
    {
      if (!self->abandoned)
        self->callbacks.failed (self, self->error, self->user_data);
      return;
    }

  self->spawned = TRUE;
  watch_end (proc_process_ref (self));

  if (self->abandoned)
    proc_process_signal_group (self, SIGKILL);
  else
    self->callbacks.spawned (self, self->user_data);
}

static gpointer
spawn_thread (gpointer user_data)
{
  ProcProcess *self = user_data;

  if (proc_program_check (self->argv[0], PROC_PROGRAM_EMULATORS, &self->error) && spawn (self))
    open_pidfd (self);

  /* Closes the helper's ends of socket and pipes, so that their end can be seen here. */
  g_clear_object (&self->launcher);
  proc_reactor_post (self->reactor, on_spawned, self);

  return NULL;
}

/* A thread of its own, not one of a pool: it must be known whether there is one. GThreadPool takes work and
 * leaves it undone when no thread can be had, which is just when the system is out of processes too.
 */
static void
start_spawning (ProcProcess *self)
{
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_try_new ("procpool-spawn", spawn_thread, proc_process_ref (self), &error);

  if (thread)
    {
      g_thread_unref (thread);
      return;
    }

  proc_program_set_error (&self->error, self->argv[0], error->message);
  g_clear_object (&self->launcher);
  proc_reactor_post (self->reactor, on_spawned, self);
}

ProcProcess *
proc_process_spawn (ProcReactor *reactor, GSubprocessLauncher *launcher, char **argv, const ProcProcessCallbacks *callbacks, gpointer user_data)
{
  ProcProcess *self = g_new0 (ProcProcess, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->reactor = proc_reactor_ref (reactor);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->launcher = launcher;
  self->argv = argv;
  self->pidfd = -1;
  self->end = PROC_PROCESS_UNKNOWN;

  start_spawning (self);

  return self;
}

ProcProcess *
proc_process_new_forked (ProcReactor *reactor, const ProcProcessCallbacks *callbacks, ProcReactorFunc give_up, gpointer give_up_data, gpointer user_data)
{
  ProcProcess *self = g_new0 (ProcProcess, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->reactor = proc_reactor_ref (reactor);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->give_up = give_up;
  self->give_up_data = give_up_data;
  self->forked = TRUE;
  self->pidfd = -1;
  self->end = PROC_PROCESS_UNKNOWN;

  return self;
}

/* The number by which this process knows it, whatever its parent calls it; 0 if that can't be told any more. */
static int
read_pid (int pidfd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", pidfd);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL) || !(line = strstr (text, "\nPid:")))
    return 0;

  return MAX ((int) g_ascii_strtoll (line + strlen ("\nPid:"), NULL, 10), 0);
}

/* It may not be one, or of no use here. */
static gboolean
is_usable_pidfd (int pidfd)
{
  return syscall (SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || (errno != EBADF && errno != ENOSYS);
}

void
proc_process_note_forked (ProcProcess *self, int pid, int pidfd)
{
  int known_pid = 0;

  self->give_up = NULL;
  self->pidfd = pidfd;
  if (pidfd >= 0 && is_usable_pidfd (pidfd))
    {
      known_pid = read_pid (pidfd);
      self->watch = proc_reactor_add_watch (self->reactor, pidfd, G_IO_IN, on_pidfd, self, NULL);
    }
  if (!self->watch)
    proc_fd_clear (&self->pidfd);

  self->pid = known_pid > 0 ? known_pid : pid;
  self->spawned = TRUE;

  /* Until it has ended. */
  proc_process_ref (self);
  if (self->abandoned)
    proc_process_signal_group (self, SIGKILL);
  else
    self->callbacks.spawned (self, self->user_data);
}

void
proc_process_note_failure (ProcProcess *self, const GError *error, ProcProcessEnd end, int code)
{
  self->give_up = NULL;
  self->end = end;
  self->end_code = code;
  if (!self->abandoned)
    self->callbacks.failed (self, error, self->user_data);
}

void
proc_process_note_line (ProcProcess *self, const char *stream, const char *line)
{
  if (!self->abandoned && self->callbacks.line)
    self->callbacks.line (self, stream, line, self->user_data);
}

static void
end_now (ProcProcess *self)
{
  proc_watch_clear (&self->watch);
  proc_timer_clear (&self->status_timer);
  ended (self);
}

void
proc_process_note_end (ProcProcess *self, ProcProcessEnd end, int code)
{
  if (self->ended)
    return;

  self->status_known = end != PROC_PROCESS_UNKNOWN;
  self->orphaned = TRUE;
  self->end = end;
  self->end_code = code;
  end_now (self);
}

void
proc_process_note_orphaned (ProcProcess *self)
{
  if (self->ended)
    return;

  self->orphaned = TRUE;
  if (self->pidfd < 0)
    proc_process_signal_group (self, SIGKILL);
  if (self->pidfd < 0 || self->status_timer)
    end_now (self);
}

ProcProcess *
proc_process_ref (ProcProcess *self)
{
  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

void
proc_process_unref (ProcProcess *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_assert (!self->watch);
  proc_timer_clear (&self->status_timer);
  proc_fd_clear (&self->pidfd);
  g_clear_object (&self->subprocess);
  g_clear_object (&self->launcher);
  g_strfreev (self->argv);
  g_clear_error (&self->error);
  proc_reactor_unref (self->reactor);
  g_free (self);
}

void
proc_process_abandon (ProcProcess *self)
{
  self->abandoned = TRUE;
}

/* GSubprocess gives no number for a process that it has reaped. */
static gboolean
is_reaped (ProcProcess *self)
{
  return g_subprocess_get_identifier (self->subprocess) == NULL;
}

typedef enum
{
  STATUS_TAKEN, /* the process was reaped */
  STATUS_HELD,  /* whoever traces it, as a debugger does, is yet to see its end, and until then nobody else can */
  STATUS_THERE,
} PeekedStatus;

static PeekedStatus
peek_status (ProcProcess *self)
{
  siginfo_t info = { 0 };
  idtype_t type = self->pidfd >= 0 ? (idtype_t) P_PIDFD : P_PID;
  id_t id = self->pidfd >= 0 ? (id_t) self->pidfd : (id_t) self->pid;

  if (self->pid == 0 || waitid (type, id, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
    return STATUS_TAKEN;
  /* A number alone may be another child's by now. */
  if (info.si_pid == 0)
    return self->pidfd >= 0 ? STATUS_HELD : STATUS_TAKEN;

  self->status_known = TRUE;
  self->end = info.si_code == CLD_EXITED ? PROC_PROCESS_EXITED : PROC_PROCESS_SIGNALED;
  self->end_code = info.si_status;
  return STATUS_THERE;
}

static gboolean
sigchld_is_ignored (void)
{
  struct sigaction action = { 0 };

  sigaction (SIGCHLD, NULL, &action);

  return (action.sa_handler == SIG_IGN && !(action.sa_flags & SA_SIGINFO)) || (action.sa_flags & SA_NOCLDWAIT);
}

/* GSubprocess takes a stolen status for an exit with 0. */
static gboolean
ask_subprocess (ProcProcess *self)
{
  if (!is_reaped (self))
    return FALSE;

  if (g_subprocess_get_if_signaled (self->subprocess))
    {
      self->end = PROC_PROCESS_SIGNALED;
      self->end_code = g_subprocess_get_term_sig (self->subprocess);
    }
  else if (g_subprocess_get_if_exited (self->subprocess))
    {
      self->end_code = g_subprocess_get_exit_status (self->subprocess);
      self->end = self->end_code == 0 && sigchld_is_ignored () ? PROC_PROCESS_UNKNOWN : PROC_PROCESS_EXITED;
    }

  return TRUE;
}

static gboolean
settle_forked (ProcProcess *self)
{
  siginfo_t info = { 0 };

  /* If its parent is gone it may have become a child of this process, which then has to reap it. */
  if (!self->status_known && self->pidfd >= 0 && waitid (P_PIDFD, (id_t) self->pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0)
    {
      self->status_known = TRUE;
      self->end = info.si_code == CLD_EXITED ? PROC_PROCESS_EXITED : PROC_PROCESS_SIGNALED;
      self->end_code = info.si_status;
    }

  return self->status_known || self->orphaned || self->n_status_tries > 0;
}

/* Whether all is known, and no zombie left for whoever waits for the end to find. */
static gboolean
settle_subprocess (ProcProcess *self)
{
  PeekedStatus status = peek_status (self);
  siginfo_t info;

  if (status == STATUS_HELD)
    return FALSE;

  if (status == STATUS_TAKEN && !self->status_known)
    self->status_known = ask_subprocess (self);

  /* GLib takes what is held for an exit with 0, and doesn't look again. */
  if (status == STATUS_THERE && self->pidfd >= 0 && is_reaped (self))
    waitid (P_PIDFD, (id_t) self->pidfd, &info, WEXITED | WNOHANG);

  /* Between GLib's wait and its own note of it there is a moment in which neither can tell. Not for ever, since
   * the application may have reaped it behind GLib's back.
   */
  return (self->status_known && is_reaped (self)) || self->n_status_tries == MAX_STATUS_TRIES;
}

static void
ended (gpointer user_data)
{
  ProcProcess *self = user_data;

  /* What it leaves behind in its group would hold its socket and its memory for ever. */
  if (self->n_status_tries == 0)
    proc_process_signal_group (self, SIGKILL);

  if (self->forked && !settle_forked (self))
    {
      self->n_status_tries++;
      proc_reactor_add_timer (self->reactor, STATUS_PATIENCE, &self->status_timer, ended, self);
      return;
    }

  if (!self->forked && !settle_subprocess (self))
    {
      guint pause = self->n_status_tries < N_PROMPT_TRIES ? 0 : 1 << (self->n_status_tries - N_PROMPT_TRIES);

      /* GLib's thread may wait for this very processor. */
      if (pause == 0)
        g_thread_yield ();
      proc_reactor_add_timer (self->reactor, pause, &self->status_timer, ended, self);
      self->n_status_tries = MIN (self->n_status_tries + 1, MAX_STATUS_TRIES);
      return;
    }

  self->ended = TRUE;
  if (!self->abandoned)
    self->callbacks.ended (self, self->user_data);

  proc_process_unref (self);
}

int
proc_process_get_pid (ProcProcess *self)
{
  return self->spawned ? self->pid : 0;
}

gboolean
proc_process_has_ended (ProcProcess *self)
{
  return self->ended;
}

ProcProcessEnd
proc_process_get_end (ProcProcess *self, int *code_or_signal)
{
  *code_or_signal = self->end_code;

  return self->end;
}

char *
proc_process_describe_end (ProcProcess *self)
{
  switch (self->end)
    {
    case PROC_PROCESS_EXITED:
      return g_strdup_printf ("exited with code %d", self->end_code);
    case PROC_PROCESS_SIGNALED:
      return g_strdup_printf ("was ended by signal %d (%s)", self->end_code, strsignal (self->end_code));
    case PROC_PROCESS_UNKNOWN:
    default:
      if (self->forked)
        return g_strdup ("ended; how is not known, for its template process didn't tell");
      return g_strdup ("ended; its status was taken by another part of this program");
    }
}

gboolean
proc_process_signal (ProcProcess *self, int signum)
{
  if (!self->spawned || self->ended || self->pid == 0)
    return FALSE;

  if (self->pidfd >= 0)
    return syscall (SYS_pidfd_send_signal, self->pidfd, signum, NULL, 0) == 0;

  if (self->forked)
    return kill (self->pid, signum) == 0;

  /* Not reaped yet as far as can be told. */
  return g_subprocess_get_identifier (self->subprocess) && kill (self->pid, signum) == 0;
}

void
proc_process_signal_group (ProcProcess *self, int signum)
{
  gboolean told = FALSE;

  if (self->give_up && signum == SIGKILL)
    self->give_up (self->give_up_data);

  if (!self->spawned || self->pid == 0)
    return;

  if (self->pidfd >= 0)
    told = syscall (SYS_pidfd_send_signal, self->pidfd, signum, NULL, PIDFD_SIGNAL_GROUP) == 0 || errno != EINVAL;

  /* On older kernels by number, as long as the process holds it, or has just let go of it. */
  if (!told)
    kill (-self->pid, signum);

  /* It may not have made its group yet. */
  proc_process_signal (self, signum);
}
