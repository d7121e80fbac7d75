/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/core-resource.h"

#include <string.h>

#include "base/error.h"
#include "host/process-cores.h"

/* There are three kinds of core resource:
 *
 *   root      made from a count or a list of ids: its cores are its own.
 *   part      acquired from another resource: it holds claims on cores of leaves.
 *   combined  stands for the cores of several leaves and has none of its own.
 *
 * Roots and parts are leaves: they keep the books on their cores, each of which is free or taken by one
 * part. A combined resource keeps none: its cores are free where its leaves say so, and a part acquired
 * from it has claims on the leaves directly. So nothing can be out of step.
 *
 * A part goes from held to released, by proc_core_resource_release() or when it is finalized, and never
 * back. It can't be released while cores of its own are taken, and those who hold them hold a reference
 * to it: a finalized part has all of its cores.
 *
 * One lock covers the books of all resources in the process. It is held for the few instructions that
 * move cores, so that an acquisition over several leaves is one step for every other thread, and no
 * order of locks has to exist. No signal is emitted and no reference dropped under it.
 */

/* A part's cores in one leaf. */
typedef struct
{
  ProcCoreResource *leaf; /* borrowed: the part's source keeps it alive */
  guint n_cores;
  guint *slots; /* which ones, as indexes into the leaf's ids; NULL in a leaf without ids */
} Claim;

struct _ProcCoreResource
{
  GObject parent_instance;

  /* Constant once the resource is made. */
  guint n_cores;
  int *ids;                 /* n_cores of them, or NULL: a count */
  ProcCoreResource *source; /* part: what it was acquired from, owned */
  GArray *claims;           /* part: its Claims */
  GPtrArray *leaves;        /* combined: where its cores are, in the order in which they are taken, owned */

  /* Protected by the lock. */
  guint n_free;       /* leaf */
  guint8 *taken;      /* leaf with ids: for each, whether a part has it */
  gboolean released;  /* part */
  GPtrArray *viewers; /* leaf: the combined resources over it, borrowed: each takes itself out */

  GWeakRef self; /* combined: how a leaf gets a reference to tell it of a change, or sees it going */
};

enum
{
  PROP_0,
  PROP_N_CORES,
  PROP_N_FREE,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

static GMutex lock;

/**
 * ProcCoreResource:
 *
 * A set of CPU cores that tasks draw from.
 *
 * It is made from a count, from a list of core ids, or from what this process may use. Who needs cores
 * acquires a part: a core resource too, whose cores nobody else gets until it is released. A part that
 * is dropped without being released gives its cores back when its last reference goes; until then it
 * keeps the resource alive that it came from.
 *
 * A resource with ids names its cores, so that a helper process can be pinned to those that its task
 * acquired. One without only counts: it limits how many are in use at once and leaves it to the system
 * which they are.
 *
 * A core resource may be used from any thread.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (ProcCoreResource, proc_core_resource, G_TYPE_OBJECT)

static void
claim_clear (gpointer data)
{
  Claim *claim = data;

  g_free (claim->slots);
}

static GArray *
claims_new (void)
{
  GArray *claims = g_array_new (FALSE, FALSE, sizeof (Claim));

  g_array_set_clear_func (claims, claim_clear);
  return claims;
}

static guint
count_leaves (ProcCoreResource *self)
{
  return self->leaves != NULL ? self->leaves->len : 1;
}

static ProcCoreResource *
get_leaf (ProcCoreResource *self, guint i)
{
  return self->leaves != NULL ? g_ptr_array_index (self->leaves, i) : self;
}

/* Under the lock. */
static guint
count_free (ProcCoreResource *self)
{
  guint n_free = 0;

  for (guint i = 0; i < count_leaves (self); i++)
    n_free += get_leaf (self, i)->n_free;

  return n_free;
}

/* Under the lock: adds @leaf, and what is combined over it, to those whose n-free has changed. */
static void
collect_changed (ProcCoreResource *leaf, GPtrArray *changed)
{
  g_ptr_array_add (changed, g_object_ref (leaf));

  for (guint i = 0; leaf->viewers != NULL && i < leaf->viewers->len; i++)
    {
      ProcCoreResource *viewer = g_ptr_array_index (leaf->viewers, i);

      if (!g_ptr_array_find (changed, viewer, NULL))
        {
          /* NULL: its last reference has gone in another thread, which is about to wait for the lock. */
          viewer = g_weak_ref_get (&viewer->self);
          if (viewer != NULL)
            g_ptr_array_add (changed, viewer);
        }
    }
}

static void
notify_changed (GPtrArray *changed)
{
  for (guint i = 0; i < changed->len; i++)
    g_object_notify_by_pspec (g_ptr_array_index (changed, i), properties[PROP_N_FREE]);
}

/* Under the lock: takes the lowest free cores of @leaf, which has as many. */
static void
take_from_leaf (ProcCoreResource *leaf, guint n_cores, GArray *claims)
{
  Claim claim = { leaf, n_cores, NULL };

  if (leaf->taken != NULL)
    {
      claim.slots = g_new (guint, n_cores);
      for (guint slot = 0, n = 0; n < n_cores; slot++)
        if (!leaf->taken[slot])
          {
            leaf->taken[slot] = TRUE;
            claim.slots[n++] = slot;
          }
    }

  leaf->n_free -= n_cores;
  g_array_append_val (claims, claim);
}

/* Under the lock: takes cores of @self, which has as many free, leaf after leaf. */
static GArray *
take (ProcCoreResource *self, guint n_cores, GPtrArray *changed)
{
  GArray *claims = claims_new ();

  for (guint i = 0; n_cores > 0; i++)
    {
      ProcCoreResource *leaf = get_leaf (self, i);
      guint n = MIN (n_cores, leaf->n_free);

      if (n > 0)
        {
          take_from_leaf (leaf, n, claims);
          collect_changed (leaf, changed);
          n_cores -= n;
        }
    }

  return claims;
}

/* Under the lock: the cores of @self, a part that holds them, go back to where they came from. */
static void
give_back (ProcCoreResource *self, GPtrArray *changed)
{
  self->released = TRUE;
  self->n_free = 0;

  for (guint i = 0; i < self->claims->len; i++)
    {
      const Claim *claim = &g_array_index (self->claims, Claim, i);

      for (guint j = 0; claim->slots != NULL && j < claim->n_cores; j++)
        claim->leaf->taken[claim->slots[j]] = FALSE;

      claim->leaf->n_free += claim->n_cores;
      collect_changed (claim->leaf, changed);
    }
}

static void
set_ids (ProcCoreResource *self, int *ids)
{
  self->ids = ids;
  if (self->leaves == NULL)
    self->taken = g_new0 (guint8, self->n_cores);
}

/* A root; @ids are ascending and without duplicates. */
static ProcCoreResource *
new_with_ids (const int *ids, gsize n_ids)
{
  ProcCoreResource *self = proc_core_resource_new ((guint) n_ids);

  set_ids (self, g_memdup2 (ids, n_ids * sizeof (int)));
  return self;
}

/* Takes @claims. */
static ProcCoreResource *
new_part (ProcCoreResource *source, guint n_cores, GArray *claims)
{
  ProcCoreResource *self = proc_core_resource_new (n_cores);
  int *ids;
  guint n = 0;

  self->source = g_object_ref (source);
  self->claims = claims;
  if (source->ids == NULL)
    return self;

  /* The source has ids, so each leaf has. */
  ids = g_new (int, n_cores);
  for (guint i = 0; i < claims->len; i++)
    {
      const Claim *claim = &g_array_index (claims, Claim, i);

      for (guint j = 0; j < claim->n_cores; j++)
        ids[n++] = claim->leaf->ids[claim->slots[j]];
    }

  set_ids (self, ids);
  return self;
}

static void
proc_core_resource_constructed (GObject *object)
{
  ProcCoreResource *self = PROC_CORE_RESOURCE (object);

  self->n_free = self->n_cores;

  G_OBJECT_CLASS (proc_core_resource_parent_class)->constructed (object);
}

static void
leave_leaves (ProcCoreResource *self)
{
  g_mutex_lock (&lock);
  for (guint i = 0; i < self->leaves->len; i++)
    g_ptr_array_remove_fast (get_leaf (self, i)->viewers, self);
  g_mutex_unlock (&lock);
}

static void
proc_core_resource_finalize (GObject *object)
{
  ProcCoreResource *self = PROC_CORE_RESOURCE (object);

  if (self->leaves != NULL)
    leave_leaves (self);

  /* Nobody else can see the part now, so its state needs no lock until it is changed. */
  if (self->claims != NULL && !self->released)
    {
      g_autoptr (GPtrArray) changed = g_ptr_array_new_with_free_func (g_object_unref);

      g_mutex_lock (&lock);
      give_back (self, changed);
      g_mutex_unlock (&lock);

      notify_changed (changed);
    }

  g_weak_ref_clear (&self->self);
  g_clear_pointer (&self->claims, g_array_unref);
  g_clear_pointer (&self->leaves, g_ptr_array_unref);
  g_clear_pointer (&self->viewers, g_ptr_array_unref);
  g_clear_pointer (&self->taken, g_free);
  g_clear_pointer (&self->ids, g_free);
  g_clear_object (&self->source);

  G_OBJECT_CLASS (proc_core_resource_parent_class)->finalize (object);
}

static void
proc_core_resource_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcCoreResource *self = PROC_CORE_RESOURCE (object);

  switch (property_id)
    {
    case PROP_N_CORES:
      g_value_set_uint (value, self->n_cores);
      break;
    case PROP_N_FREE:
      g_value_set_uint (value, proc_core_resource_get_n_free (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_core_resource_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  ProcCoreResource *self = PROC_CORE_RESOURCE (object);

  switch (property_id)
    {
    case PROP_N_CORES:
      self->n_cores = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_core_resource_class_init (ProcCoreResourceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = proc_core_resource_constructed;
  object_class->finalize = proc_core_resource_finalize;
  object_class->get_property = proc_core_resource_get_property;
  object_class->set_property = proc_core_resource_set_property;

  /**
   * ProcCoreResource:n-cores:
   *
   * How many cores the resource has, free and acquired ones. A part that was released still tells how
   * many it had.
   *
   * Since: 1.0
   */
  properties[PROP_N_CORES] =
      g_param_spec_uint ("n-cores", NULL, NULL, 1, G_MAXUINT, 1,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * ProcCoreResource:n-free:
   *
   * How many cores could be acquired now. Of a combined resource it is the sum over those that it was
   * combined from; of a part that was released it is 0.
   *
   * It is notified in the thread that acquired or released, after the fact: another thread may have
   * changed it again by then.
   *
   * Since: 1.0
   */
  properties[PROP_N_FREE] =
      g_param_spec_uint ("n-free", NULL, NULL, 0, G_MAXUINT, 0,
                         G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
proc_core_resource_init (ProcCoreResource *self)
{
  g_weak_ref_init (&self->self, NULL);
}

/**
 * proc_core_resource_new:
 * @n_cores: how many cores, at least 1
 *
 * Makes a core resource that only counts: its cores have no ids and nothing is pinned. The count may
 * be larger than the machine.
 *
 * Returns: (transfer full): a new core resource
 *
 * Since: 1.0
 */
ProcCoreResource *
proc_core_resource_new (guint n_cores)
{
  g_return_val_if_fail (n_cores > 0, NULL);

  return g_object_new (PROC_TYPE_CORE_RESOURCE, "n-cores", n_cores, NULL);
}

/**
 * proc_core_resource_new_for_ids:
 * @ids: (array length=n_ids) (nullable): core ids, as the system numbers them, in any order
 * @n_ids: how many
 * @error: return location for an error
 *
 * Makes a core resource of certain cores. Helper processes whose tasks acquire from it are pinned to
 * the cores that the task got.
 *
 * Fails with %PROC_POOL_ERROR_INVALID_CORES if the list is empty, has a core twice, a negative one, or
 * one that the calling thread may not run on.
 *
 * Returns: (transfer full): a new core resource, or %NULL with @error set
 *
 * Since: 1.0
 */
ProcCoreResource *
proc_core_resource_new_for_ids (const int *ids, gsize n_ids, GError **error)
{
  g_autofree int *sorted = NULL;

  g_return_val_if_fail (ids != NULL || n_ids == 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  sorted = proc_process_cores_sort (ids, n_ids, error);
  if (sorted == NULL)
    return NULL;

  return new_with_ids (sorted, n_ids);
}

/**
 * proc_core_resource_new_for_process:
 *
 * Makes a core resource of what this process may use: the cores that the calling thread may run on,
 * as sched_getaffinity(2) tells, within the CPU quota of its control groups (version 2), rounded up to
 * whole cores.
 *
 * Where the quota allows fewer cores than there are, the resource is a count without ids: a quota is
 * time on any cores, and all processes with one would be pinned to the same few.
 *
 * Returns: (transfer full): a new core resource
 *
 * Since: 1.0
 */
ProcCoreResource *
proc_core_resource_new_for_process (void)
{
  gsize n_ids;
  g_autofree int *ids = proc_process_cores_get_affinity (&n_ids);
  guint n_cores = ids != NULL ? (guint) n_ids : g_get_num_processors ();
  guint quota = proc_process_cores_get_quota ("/sys/fs/cgroup", "/proc/self/cgroup");

  if (quota > 0 && quota < n_cores)
    return proc_core_resource_new (quota);

  return ids != NULL ? new_with_ids (ids, n_ids) : proc_core_resource_new (n_cores);
}

/* Whether cores of @self were acquired from @ancestor, directly or through other parts. */
static gboolean
derives_from (ProcCoreResource *self, ProcCoreResource *ancestor)
{
  for (guint i = 0; self->claims != NULL && i < self->claims->len; i++)
    {
      ProcCoreResource *leaf = g_array_index (self->claims, Claim, i).leaf;

      if (leaf == ancestor || derives_from (leaf, ancestor))
        return TRUE;
    }

  return FALSE;
}

static gboolean
has_id (ProcCoreResource *self, int id)
{
  for (guint i = 0; i < self->n_cores; i++)
    if (self->ids[i] == id)
      return TRUE;

  return FALSE;
}

static gboolean
check_distinct (ProcCoreResource *a, ProcCoreResource *b, GError **error)
{
  for (guint i = 0; a->ids != NULL && b->ids != NULL && i < b->n_cores; i++)
    if (has_id (a, b->ids[i]))
      {
        g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                     "The core resources to combine share core %d", b->ids[i]);
        return FALSE;
      }

  if (a == b || derives_from (a, b) || derives_from (b, a))
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                           "The core resources to combine share cores: one has cores that are the other's too");
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_all_distinct (ProcCoreResource *self, ProcCoreResource *other, GError **error)
{
  for (guint i = 0; i < count_leaves (self); i++)
    for (guint j = 0; j < count_leaves (other); j++)
      if (!check_distinct (get_leaf (self, i), get_leaf (other, j), error))
        return FALSE;

  return TRUE;
}

static int *
concatenate_ids (ProcCoreResource *self, ProcCoreResource *other)
{
  int *ids = g_new (int, (gsize) self->n_cores + other->n_cores);

  memcpy (ids, self->ids, self->n_cores * sizeof (int));
  memcpy (ids + self->n_cores, other->ids, other->n_cores * sizeof (int));
  return ids;
}

/* Under the lock. */
static void
join_leaves (ProcCoreResource *self, ProcCoreResource *over)
{
  for (guint i = 0; i < count_leaves (over); i++)
    {
      ProcCoreResource *leaf = get_leaf (over, i);

      g_ptr_array_add (self->leaves, g_object_ref (leaf));
      if (leaf->viewers == NULL)
        leaf->viewers = g_ptr_array_new ();
      g_ptr_array_add (leaf->viewers, self);
    }
}

/**
 * proc_core_resource_combine:
 * @self: a core resource
 * @other: another one
 * @error: return location for an error
 *
 * Makes a core resource over the cores of both, which stay in use by themselves: a core that is
 * acquired from one of them isn't free in the combined one, and the other way round.
 *
 * An acquisition takes free cores of @self first, then of @other, and either all that it asks for or
 * none; its release gives each back to where it came from. The combined resource has ids only if both
 * have. It keeps both alive.
 *
 * Fails with %PROC_POOL_ERROR_INVALID_CORES if they share a core: if both have the same id, are the
 * same resource, have one that they were combined from in common, or if one was acquired from the
 * other. Two parts of one resource share none and may be combined.
 *
 * Returns: (transfer full): a new core resource, or %NULL with @error set
 *
 * Since: 1.0
 */
ProcCoreResource *
proc_core_resource_combine (ProcCoreResource *self, ProcCoreResource *other, GError **error)
{
  ProcCoreResource *combined;
  guint n_cores;

  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (self), NULL);
  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (other), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_all_distinct (self, other, error))
    return NULL;

  if (!g_uint_checked_add (&n_cores, self->n_cores, other->n_cores))
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                   "The core resources to combine have %u and %u cores: more than %u together",
                   self->n_cores, other->n_cores, G_MAXUINT);
      return NULL;
    }

  combined = proc_core_resource_new (n_cores);
  combined->leaves = g_ptr_array_new_with_free_func (g_object_unref);
  g_weak_ref_set (&combined->self, combined);
  if (self->ids != NULL && other->ids != NULL)
    set_ids (combined, concatenate_ids (self, other));

  g_mutex_lock (&lock);
  join_leaves (combined, self);
  join_leaves (combined, other);
  g_mutex_unlock (&lock);

  return combined;
}

/**
 * proc_core_resource_acquire:
 * @self: a core resource
 * @n_cores: how many cores, at least 1
 * @error: return location for an error
 *
 * Takes cores out of @self: all that are asked for, or none. They are those with the lowest ids that
 * are free; of a combined resource, those of its first one before those of its second.
 *
 * Fails at once with %PROC_POOL_ERROR_NOT_ENOUGH_CORES if not as many are free now. If @n_cores is
 * larger than #ProcCoreResource:n-cores they never will be; otherwise #ProcCoreResource:n-free is
 * notified when some come back.
 *
 * Returns: (transfer full): a new core resource with those cores, to be given to
 *   proc_core_resource_release() or simply dropped; or %NULL with @error set
 *
 * Since: 1.0
 */
ProcCoreResource *
proc_core_resource_acquire (ProcCoreResource *self, guint n_cores, GError **error)
{
  g_autoptr (GPtrArray) changed = NULL;
  ProcCoreResource *part;
  GArray *claims = NULL;
  guint n_free;

  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (self), NULL);
  g_return_val_if_fail (n_cores > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (n_cores > self->n_cores)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_NOT_ENOUGH_CORES,
                   "The acquisition asks for %u cores of a resource that has %u",
                   n_cores, self->n_cores);
      return NULL;
    }

  changed = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&lock);
  n_free = count_free (self);
  if (n_cores <= n_free)
    claims = take (self, n_cores, changed);
  g_mutex_unlock (&lock);

  if (claims == NULL)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_NOT_ENOUGH_CORES,
                   "The acquisition asks for %u %s of a resource that has %u, %u free now",
                   n_cores, n_cores == 1 ? "core" : "cores", self->n_cores, n_free);
      return NULL;
    }

  part = new_part (self, n_cores, claims);
  notify_changed (changed);

  return part;
}

/**
 * proc_core_resource_release:
 * @self: the core resource that @cores was acquired from
 * @cores: what proc_core_resource_acquire() returned
 * @error: return location for an error
 *
 * Gives cores back. Nothing can be acquired from @cores any more, whose #ProcCoreResource:n-free is 0
 * from now on.
 *
 * Fails with %PROC_POOL_ERROR_INVALID_CORES, and changes nothing, if @cores wasn't acquired from this
 * very resource, was released before, or if cores were acquired from @cores in turn and are still out.
 *
 * Returns: %TRUE if the cores are free again, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
proc_core_resource_release (ProcCoreResource *self, ProcCoreResource *cores, GError **error)
{
  g_autoptr (GPtrArray) changed = NULL;
  gboolean was_released;
  guint n_out = 0;

  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (self), FALSE);
  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (cores), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (cores->source != self)
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                           "The cores to release weren't acquired from this resource");
      return FALSE;
    }

  changed = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&lock);
  was_released = cores->released;
  if (!was_released)
    n_out = cores->n_cores - cores->n_free;
  if (!was_released && n_out == 0)
    {
      collect_changed (cores, changed);
      give_back (cores, changed);
    }
  g_mutex_unlock (&lock);

  if (was_released)
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                           "The cores to release were released before");
      return FALSE;
    }

  if (n_out > 0)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                   "Of the cores to release, %u of %u were acquired in turn: release those first",
                   n_out, cores->n_cores);
      return FALSE;
    }

  notify_changed (changed);
  return TRUE;
}

/**
 * proc_core_resource_contains:
 * @self: a core resource
 * @other: another one
 *
 * Tells whether every core of @other is one of @self, acquired or not. Where both have ids, the ids
 * decide; where one is only a count, the numbers do: whether @self has at least as many cores.
 *
 * Returns: %TRUE if @self contains @other
 *
 * Since: 1.0
 */
gboolean
proc_core_resource_contains (ProcCoreResource *self, ProcCoreResource *other)
{
  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (self), FALSE);
  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (other), FALSE);

  if (self->ids == NULL || other->ids == NULL)
    return self->n_cores >= other->n_cores;

  for (guint i = 0; i < other->n_cores; i++)
    if (!has_id (self, other->ids[i]))
      return FALSE;

  return TRUE;
}

/**
 * proc_core_resource_get_n_cores:
 * @self: a core resource
 *
 * Gets #ProcCoreResource:n-cores.
 *
 * Returns: how many cores the resource has, free and acquired ones
 *
 * Since: 1.0
 */
guint
proc_core_resource_get_n_cores (ProcCoreResource *self)
{
  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (self), 0);

  return self->n_cores;
}

/**
 * proc_core_resource_get_n_free:
 * @self: a core resource
 *
 * Gets #ProcCoreResource:n-free.
 *
 * Returns: how many cores could be acquired now
 *
 * Since: 1.0
 */
guint
proc_core_resource_get_n_free (ProcCoreResource *self)
{
  guint n_free;

  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (self), 0);

  g_mutex_lock (&lock);
  n_free = count_free (self);
  g_mutex_unlock (&lock);

  return n_free;
}

/**
 * proc_core_resource_get_ids:
 * @self: a core resource
 * @n_ids: (out) (optional): where to put how many there are, 0 for a count
 *
 * Gets the ids of all cores of @self, free and acquired ones: ascending, but for what involves a combined
 * resource, where those of its first one come before those of its second.
 *
 * Returns: (array length=n_ids) (transfer none) (nullable): the ids, valid as long as @self; %NULL if
 *   it is only a count
 *
 * Since: 1.0
 */
const int *
proc_core_resource_get_ids (ProcCoreResource *self, gsize *n_ids)
{
  g_return_val_if_fail (PROC_IS_CORE_RESOURCE (self), NULL);

  if (n_ids != NULL)
    *n_ids = self->ids != NULL ? self->n_cores : 0;

  return self->ids;
}
