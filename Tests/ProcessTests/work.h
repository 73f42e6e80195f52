/* Calls of many kinds, whose outcome is known from making each alone: to be made again in less quiet circumstances. */
#ifndef WORK_H
#define WORK_H

#include "../ABITests/api.h"

/* BIG_WORK keeps several threads busy. */
enum { WORKS = 24, BIG_WORK = 5 };

/* Loads the library, or ends the process, and lets calls have several threads whatever the machine. */
void load(const char *path);

/* Makes every call alone, on one thread, and keeps its outcome. */
void works_make(void);

/* Makes a call again. Whether status, message, result and gradient are the same, bit for bit. */
int work_repeat(const struct api *library, int number, int32_t num_threads);
/* The same with the gradient in memory of the caller's, at least work_gradient_bytes. */
int work_repeat_into(const struct api *library, int number, int32_t num_threads, void *gradient);
size_t work_gradient_bytes(int number);

/* Makes all calls again and returns how many went wrong. */
int works_wrong(int32_t num_threads);

#endif
