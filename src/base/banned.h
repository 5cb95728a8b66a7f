/* banned.h - forced into every file: functions that STYLE forbids become compile errors.
 *
 * Each has a safe counterpart here: buf.h for growing text, text.h and when.h for parsing,
 * sys/proc.h for child processes.  System headers come first, so that their own declarations
 * are not touched.
 */
#ifndef BANNED_H
#define BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#pragma GCC poison sprintf vsprintf strcpy strcat strncpy strncat strtok strtok_r atoi atol atoll
#pragma GCC poison gmtime localtime ctime asctime system popen gets tmpnam mktemp

#endif
