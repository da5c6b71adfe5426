/** A module for the test of planting: nothing else loads it. */
export const ANSWER: string = 'right';
