// SPDX-License-Identifier: GPL-2.0
/* Two tables that cannot grow: the owners of timers, and the timers last seen. */
#include <string.h>

#include "account.h"

/* FNV-1a */
static __u32 hash(const void *data, size_t len)
{
	const unsigned char *p = data;
	__u32 h = 2166136261u;

	while (len--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

static __u16 *slot_of(struct account *acc, const struct owner_key *key)
{
	const size_t size = ARRAY_SIZE(acc->slots);
	size_t i = hash(key, sizeof(*key)) % size;

	/* Ends, because at least every other slot is free. */
	while (acc->slots[i] && memcmp(&acc->owners[acc->slots[i] - 1].key, key, sizeof(*key)))
		i = (i + 1) % size;
	return &acc->slots[i];
}

/**
 * owner_get - find or add a row
 * @acc: where
 * @key: whose
 * @comm: the task's name; replaces the row's if it is known
 *
 * Return: the row; with MAX_OWNERS others in use, the one that adds up the rest.
 */
struct owner *owner_get(struct account *acc, const struct owner_key *key, const char *comm)
{
	__u16 *slot = slot_of(acc, key);
	struct owner *o;

	if (!*slot) {
		if (acc->nr_owners == MAX_OWNERS) {
			acc->owners[MAX_OWNERS].key.kind = KIND_OTHER;
			return &acc->owners[MAX_OWNERS];
		}
		o = &acc->owners[acc->nr_owners++];
		memset(o, 0, sizeof(*o));
		o->key = *key;
		*slot = acc->nr_owners;
	}
	o = &acc->owners[*slot - 1];
	if (*comm && strcmp(comm, "<...>"))
		memcpy(o->comm, comm, sizeof(o->comm));
	else if (!*o->comm && *comm)
		o->comm[0] = '?';
	return o;
}

/**
 * owners_drop_quiet - make room: forget the rows that did nothing lately
 * @acc: where; indexes of owners change
 */
void owners_drop_quiet(struct account *acc)
{
	unsigned int kept = 0;

	memset(acc->slots, 0, sizeof(acc->slots));
	for (unsigned int i = 0; i < acc->nr_owners; i++) {
		if (!acc->owners[i].woke && !acc->owners[i].expired)
			continue;
		if (kept != i)
			acc->owners[kept] = acc->owners[i];
		*slot_of(acc, &acc->owners[kept].key) = kept + 1;
		kept++;
	}
	acc->nr_owners = kept;
}

static struct timer *set_of(struct account *acc, __u64 address)
{
	return acc->timers[hash(&address, sizeof(address)) % TIMER_SETS];
}

struct timer *timer_find(struct account *acc, __u64 address)
{
	struct timer *set = set_of(acc, address);

	for (int i = 0; i < TIMER_WAYS; i++)
		if (set[i].seen && set[i].address == address)
			return &set[i];
	return NULL;
}

/**
 * timer_get - find or add a timer
 * @acc: where
 * @address: which
 * @now: when it was seen
 *
 * Return: the timer; a new one takes the place of the one not seen for longest.
 */
struct timer *timer_get(struct account *acc, __u64 address, __u64 now)
{
	struct timer *t = timer_find(acc, address), *set = set_of(acc, address);

	if (!t) {
		t = set;
		for (int i = 1; i < TIMER_WAYS; i++)
			if (set[i].seen < t->seen)
				t = &set[i];
		memset(t, 0, sizeof(*t));
		t->address = address;
	}
	t->seen = now ? now : 1;
	return t;
}
