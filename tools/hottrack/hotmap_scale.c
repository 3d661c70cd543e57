// SPDX-License-Identifier: GPL-2.0
/* hotmap: the scale of heat, and the numbers on the axes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hotmap.h"

/* Decades that the scale shows at most: what is colder by more looks alike. */
#define MOST_DECADES 4

/* A little room for values such as log10(1000) that are not exact. */
#define NEARLY 0.000000001

/* The smallest of 1, 2 and 5 times a power of ten that is not below @x. */
static double round_up(double x)
{
	double power = pow(10, floor(log10(x) + NEARLY));
	double digit = x / power;

	return power * (digit <= 1 + NEARLY ? 1 : digit <= 2 + NEARLY ? 2 :
			digit <= 5 + NEARLY ? 5 : 10);
}

/**
 * scale_fit - a scale for what there is
 * @least: the smallest heat that is not 0; 0 if there is none
 * @most: the largest
 * @wanted: requests at the hot end; 0: as @most needs
 */
void scale_fit(struct scale *scale, __u64 least, __u64 most, double wanted)
{
	double coldest = hottrack_requests(least ? least : HOT_ONE);
	double hottest = hottrack_requests(most ? most : 10 * HOT_ONE);
	double low, decade;

	scale->high = wanted ? wanted : round_up(hottest);
	/* The last whole power of ten that is a decade below the end or more. */
	decade = floor(log10(scale->high) - 1 + NEARLY);
	low = floor(log10(coldest) + NEARLY);
	if (low > decade)
		low = decade;
	if (low < decade + 1 - MOST_DECADES)
		low = decade + 1 - MOST_DECADES;
	scale->low = pow(10, low);
	scale->colder = coldest < scale->low * (1 - NEARLY);
	scale->hotter = hottest > scale->high * (1 + NEARLY);
}

/* Where on the scale, 0 to 1. */
double scale_place(const struct scale *scale, double requests)
{
	double place = log(requests / scale->low) / log(scale->high / scale->low);

	return place < 0 ? 0 : place > 1 ? 1 : place;
}

/* The other way round: the requests at a place. */
double scale_at(const struct scale *scale, double place)
{
	return scale->low * pow(scale->high / scale->low, place);
}

/**
 * scale_level - the level of a heat
 * @heat: in 1/HOT_ONE requests, more than 0
 * @levels: how many there are
 *
 * Return: from 0, the coldest, to levels - 1.
 */
int scale_level(const struct scale *scale, __s64 heat, int levels)
{
	int level = scale_place(scale, hottrack_requests(heat)) * levels + NEARLY;

	return level < levels ? level : levels - 1;
}

static void add_tick(struct axis *axis, double at, const char *text)
{
	struct tick *tick = &axis->ticks[axis->nr];

	if (axis->nr == MAX_TICKS)
		return;
	tick->at = at;
	snprintf(tick->text, sizeof(tick->text), "%s", text);
	axis->nr++;
}

/* Both ends and the powers of ten between them. */
void scale_ticks(const struct scale *scale, struct axis *axis)
{
	char text[TICK_TEXT];

	axis->nr = 0;
	for (double x = scale->low; x < scale->high * (1 - NEARLY); x *= 10) {
		/* Not so close to the end that the numbers would touch. */
		if (x > scale->low && scale_place(scale, x) > 0.85)
			break;
		snprintf(text, sizeof(text), "%s%.10g",
			 scale->colder && x == scale->low ? "<=" : "", x);
		add_tick(axis, scale_place(scale, x), text);
	}
	snprintf(text, sizeof(text), "%s%.10g", scale->hotter ? ">=" : "", scale->high);
	add_tick(axis, 1, text);
}

void share_ticks(struct axis *axis)
{
	char text[TICK_TEXT];

	axis->nr = 0;
	for (int i = 0; i <= 100; i += 25) {
		snprintf(text, sizeof(text), "%d%%", i);
		add_tick(axis, i / 100., text);
	}
}

/* At least 2 numbers, at most MAX_TICKS. */
static unsigned int sensible(unsigned int most)
{
	return most < 2 ? 2 : most > MAX_TICKS ? MAX_TICKS : most;
}

/**
 * byte_ticks - offsets, in steps of a power of two
 * @bytes: length of the axis
 * @most: most numbers that have room
 */
void byte_ticks(struct axis *axis, __u64 bytes, unsigned int most)
{
	char text[UNITS_TEXT];
	__u64 step = 1;

	axis->nr = 0;
	while (bytes / step >= sensible(most))
		step *= 2;
	for (__u64 at = 0; bytes && at <= bytes; at += step) {
		add_tick(axis, (double)at / bytes, bytes_text(text, at));
		if (at + step < at)
			break;
	}
}

/* Seconds. What divides a day is counted from midnight. */
static const unsigned int time_steps[] = {
	1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
	86400, 2 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 90 * 86400, 365 * 86400,
};

/* As short as can be understood. */
static const char *time_format(const struct tm *tm, unsigned int step, __u64 length_ms)
{
	if (step >= 86400)
		return "%Y-%m-%d";
	if (length_ms > 86400 * 1000 && !tm->tm_hour && !tm->tm_min)
		return "%m-%d";
	return step < 60 ? "%H:%M:%S" : "%H:%M";
}

/**
 * time_ticks - times of the day, or dates
 * @begin_ms: of the axis, since 1970
 * @length_ms: of the axis
 * @most: most numbers that have room
 */
void time_ticks(struct axis *axis, __u64 begin_ms, __u64 length_ms, unsigned int most)
{
	unsigned int i = 0, step;
	struct tm tm;
	time_t begin = begin_ms / 1000, at;

	axis->nr = 0;
	most = sensible(most);
	while (i + 1 < ARRAY_SIZE(time_steps) && length_ms / 1000 / time_steps[i] >= most)
		i++;
	step = time_steps[i];
	/* Local midnight, so that the numbers are round. */
	if (!length_ms || !localtime_r(&begin, &tm))
		return;
	tm.tm_sec = 0;
	tm.tm_min = 0;
	tm.tm_hour = 0;
	tm.tm_isdst = -1;
	at = mktime(&tm);
	if (at < begin)
		at += (begin - at + step - 1) / step * step;
	for (; (__u64)at * 1000 <= begin_ms + length_ms; at += step) {
		char text[TICK_TEXT];

		if ((__u64)at * 1000 < begin_ms)
			continue;
		if (!localtime_r(&at, &tm) || axis->nr == MAX_TICKS)
			return;
		strftime(text, sizeof(text), time_format(&tm, step, length_ms), &tm);
		add_tick(axis, (at * 1000. - begin_ms) / length_ms, text);
	}
}

/* Requests, rounded to three digits. */
char *heat_text(char text[UNITS_TEXT], __u64 heat)
{
	double requests = hottrack_requests(heat);

	snprintf(text, UNITS_TEXT, "%.*f", requests < 9.995 ? 2 : requests < 99.95 ? 1 : 0,
		 requests);
	return text;
}
