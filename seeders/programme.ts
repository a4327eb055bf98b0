/** A talk block: its title, what kind it is, and the titles of its presentations. */
export interface Block {
  name: string;
  type: 'plenary' | 'symposium' | 'workshop' | 'poster';
  talks: string[];
}

const block = (type: Block['type'], name: string, ...talks: string[]): Block => ({ type, name, talks });

/** The programme of the demo conference: two days, an opening and a closing in the hall, and three rooms in between. */
export const conferenceBlocks: Block[] = [
  block(
    'plenary',
    'Opening and keynote',
    'Welcome to Lausanne',
    'Ten years of the registry',
    'Keynote: care without borders',
  ),

  block(
    'symposium',
    'Heart failure in primary care',
    'Who is missed by the guideline',
    'Remote monitoring after discharge',
    'A nurse-led clinic in Bergen',
  ),
  block(
    'symposium',
    'Sepsis: the first hour',
    'Lactate at the bedside',
    'Antibiotics before the scan',
    'Alarms that nobody hears',
  ),
  block(
    'workshop',
    'Reading a trial report',
    'Endpoints and what they hide',
    'Subgroups with care',
    'Hands on: two reports',
  ),

  block(
    'symposium',
    'Diabetes technology',
    'Closed loop at night',
    'Sensors in pregnancy',
    'What the pump costs a family',
  ),
  block(
    'symposium',
    'Stroke networks',
    'Drip and ship, or mothership',
    'Telestroke in the mountains',
    'Rehabilitation that starts on day one',
  ),
  block(
    'workshop',
    'Ultrasound for beginners',
    'Holding the probe',
    'Free fluid in four views',
    'Practice on models',
  ),

  block(
    'symposium',
    'Antimicrobial stewardship',
    'Shorter is enough',
    'Feedback that changes prescribing',
    'Resistance in waste water',
  ),
  block(
    'symposium',
    'Mental health of the young',
    'School as a place of care',
    'Sleep, screens and worry',
    'Waiting lists and what they do',
  ),
  block(
    'poster',
    'Posters: cardiology',
    'Atrial fibrillation in runners',
    'Home blood pressure in Nairobi',
    'Cuffs of the wrong size',
  ),

  block(
    'symposium',
    'Oncology close to home',
    'Chemotherapy in the village',
    'Fatigue is not a mood',
    'Late effects and who looks for them',
  ),
  block(
    'symposium',
    'Machine learning on the ward',
    'A model that was switched off',
    'Drift after the new laboratory',
    'What nurses want explained',
  ),
  block(
    'workshop',
    'Writing for patients',
    'Plain words for risk',
    'Pictures that help',
    'Clinic: bring your leaflet',
  ),

  block(
    'symposium',
    'Vaccines after the pandemic',
    'Trust, lost and won',
    'Measles again',
    'One dose or two',
  ),
  block(
    'symposium',
    'Kidney care for all',
    'Screening in pharmacies',
    'Dialysis at home',
    'Transplant across borders',
  ),
  block(
    'workshop',
    'Difficult conversations',
    'Silence as a tool',
    'When families disagree',
    'Role play with actors',
  ),

  block(
    'symposium',
    'Emergency care in heat waves',
    'Cooling before transport',
    'The elderly on the fourth floor',
    'A plan for the weekend',
  ),
  block(
    'symposium',
    'Rare diseases, common problems',
    'The road to a diagnosis',
    'A registry by patients',
    'Prices of orphan drugs',
  ),
  block(
    'poster',
    'Posters: nursing',
    'Handover in five sentences',
    'Pressure sores and beds',
    'Night shifts and errors',
  ),

  block('plenary', 'Closing and awards', 'Best abstract award', 'What we take home', 'Invitation to Osaka'),
];

/** A small day of another customer. */
export const trainingBlocks: Block[] = [
  block('workshop', 'Safe moving and handling', 'The back that lifts', 'Hoists without fear'),
  block('workshop', 'Records that others can read', 'Numbers, units and times'),
];
