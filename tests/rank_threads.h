#ifndef T
#define T
#include <pthread.h>
#include "duet/ranks.h"
duet_ranks *temp_ranks(size_t rank, size_t count, void *barrier, float **all);
typedef struct { size_t rank, count; void (*f)(duet_ranks *, void *); void *c; pthread_barrier_t *b; float **all; } rt;
static void *rt_run(void *a) { rt *t = a; duet_ranks *r = temp_ranks(t->rank, t->count, t->b, t->all); t->f(r, t->c); return NULL; }
static inline void run_ranks(size_t count, void (*f)(duet_ranks *, void *), void *c)
{ pthread_barrier_t b; pthread_barrier_init(&b, NULL, (unsigned)count); float *all[16]; rt t[16]; pthread_t th[16];
  for (size_t i = 0; i < count; i++) { t[i] = (rt){i, count, f, c, &b, all}; pthread_create(&th[i], NULL, rt_run, &t[i]); }
  for (size_t i = 0; i < count; i++) pthread_join(th[i], NULL); }
#endif
