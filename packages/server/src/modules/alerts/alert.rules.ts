export type AlertStatus = 'active' | 'acknowledged' | 'resolved';

/**
 * Which state may become which, by what a person does. What is not here is refused; a state that leads to itself makes a
 * repeat safe. Only the engine resolves: when the condition has gone, or its product or location is archived.
 */
export const ALERT_TRANSITIONS: Record<AlertStatus, { acknowledge?: AlertStatus }> = {
  active: { acknowledge: 'acknowledged' },
  acknowledged: { acknowledge: 'acknowledged' },
  resolved: {},
};
