/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.Arrays;
import java.util.Collection;

/**
 * What several rounds of one measurement say.
 *
 * @param count how many values there were, at least 1
 * @param median the one in the middle, or the mean of the two in the middle
 * @param min the least
 * @param max the greatest
 */
public record Statistics(int count, double median, double min, double max) {

    /** Of at least one value. */
    public static Statistics of(Collection<Double> values) {
        if (values.isEmpty()) {
            throw new IllegalArgumentException("no values");
        }
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int middle = sorted.length / 2;
        double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Statistics(sorted.length, median, sorted[0], sorted[sorted.length - 1]);
    }

    /** Of some values. */
    static Statistics of(double... values) {
        return of(Arrays.stream(values).boxed().toList());
    }

    /** Half of the distance between the least and the greatest, as a share of the median; 0 if the median is. */
    public double spread() {
        return median == 0 ? 0 : (max - min) / 2 / Math.abs(median);
    }

    /** This median to another; {@code NaN} if there is no such ratio. */
    public double ratioTo(Statistics other) {
        return other.median == 0 ? Double.NaN : median / other.median;
    }
}
