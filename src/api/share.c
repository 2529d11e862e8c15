/*
 * How many of a person's requests wait for their workspaces at once. A lane's share is by the header that a request came with, and one
 * person may have many logins and keys; so whoever is known by now counts here, and one too many is told to come again.
 */
#include "api/api_int.h"
#include "base/map.h"

enum { MAGIC = 0x73686172, ROOM = 128, EACH = 4 };

struct api_share {
    unsigned magic;
    struct lock lock;
    uint64_t who[ROOM]; /* 0: free */
};

struct api_share *api_share_create(void)
{
    struct api_share *s = MEM_NEW(struct api_share);
    s->magic = MAGIC;
    lock_init(&s->lock, LOCK_CACHE);
    return s;
}

void api_share_destroy(struct api_share *s)
{
    if (s == NULL) {
        return;
    }
    ASSERT_MAGIC(s, MAGIC);
    lock_fini(&s->lock);
    s->magic = 0;
    mem_free(s);
}

int api_share_take(struct api_share *s, struct str who)
{
    ASSERT_MAGIC(s, MAGIC);
    uint64_t key = map_hash(who) | 1;
    unsigned mine = 0;
    uint64_t *place = NULL;
    LOCK_SCOPE(&s->lock);
    for (size_t i = 0; i < ROOM; i++) {
        mine += s->who[i] == key;
        place = s->who[i] == 0 ? &s->who[i] : place;
    }
    if (mine >= EACH || place == NULL) {
        return ERR_BUSY;
    }
    *place = key;
    return 0;
}

void api_share_give(struct api_share *s, struct str who)
{
    ASSERT_MAGIC(s, MAGIC);
    uint64_t key = map_hash(who) | 1;
    LOCK_SCOPE(&s->lock);
    for (size_t i = 0; i < ROOM; i++) {
        if (s->who[i] == key) {
            s->who[i] = 0;
            return;
        }
    }
    UNREACHABLE();
}

int api_wait_begin(struct api_call *call)
{
    int r = api_share_take(call->api->share, call->data.scope.user_id);
    return r < 0 ? data_fault(&call->data, r, NULL,
                              "Four of your requests wait for workspaces already. Try again.")
                 : 0;
}

void api_wait_end(struct api_call *call)
{
    api_share_give(call->api->share, call->data.scope.user_id);
}
